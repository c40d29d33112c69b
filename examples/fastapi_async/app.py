"""The smallest asynchronous service: one pool of asyncpg, as old as the process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request

import envconn_asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

QUERY = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"


@asynccontextmanager
async def lifespan(service: FastAPI) -> AsyncIterator[None]:
    """Open the pool before the first request, and close it after the last."""
    async with envconn_asyncpg.create_pool(min_size=1, max_size=5) as service.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def connection(request: Request) -> dict[str, object]:
    """Say how the server sees the connection."""
    return dict(await request.app.state.pool.fetchrow(QUERY))
