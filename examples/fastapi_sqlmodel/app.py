"""A service with FastAPI and SQLModel: one asynchronous engine for the process, one session for each request."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

import envconn_sqlalchemy


class Note(SQLModel, table=True):
    """A note, as it is stored, sent and received."""

    id: int | None = Field(default=None, primary_key=True)
    text: str


@asynccontextmanager
async def lifespan(service: FastAPI) -> AsyncIterator[None]:
    """Make the engine before the first request, and close it after the last."""
    service.state.engine = envconn_sqlalchemy.create_async_engine(pool_size=5)
    async with service.state.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)  # Alembic's work in a larger application
    yield
    await service.state.engine.dispose()


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    """Open a session for one request."""
    async with AsyncSession(request.app.state.engine) as opened:
        yield opened


app = FastAPI(lifespan=lifespan)
Opened = Annotated[AsyncSession, Depends(session)]


@app.post("/notes")
async def add(note: Note, opened: Opened) -> Note:
    """Store a note."""
    opened.add(note)
    await opened.commit()
    await opened.refresh(note)
    return note


@app.get("/notes")
async def notes(opened: Opened) -> Sequence[Note]:
    """Return every note."""
    return (await opened.exec(select(Note))).all()
