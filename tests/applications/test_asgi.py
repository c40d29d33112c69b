"""Programs under uvicorn, asked by many at once: what they leave open on the server is counted there."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

import deployed
from project import SITE
from throwaway.process import wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.application

AT_ONCE = 40
"""Requests of FastAPI's programs. Django needs a connection for each, and the server has thirty."""


@dataclass(frozen=True)
class Counted:
    """A server that is asked by `observer`, however full it is, and the variables of a program that uses it."""

    observer: psycopg.Connection
    environ: dict[str, str]

    def connections(self) -> int:
        """Return how many the program has."""
        query = "select count(*) from pg_stat_activity where application_name = 'counted'"
        ((number,),) = self.observer.execute(query).fetchall()
        return int(number)

    def wait_for_none(self) -> None:
        """Wait until the server has seen the program's end."""
        wait(lambda: self.connections() == 0, "connections to close", seconds=10)

    def ask(self, app: str, folder: Path, requests: int, at_once: int, **environ: str) -> int:
        """Start a program, which must answer all requests, and return how many connections it has then."""
        port = deployed.free_port()
        # httpx keeps an idle connection for five seconds, and so would uvicorn: the client has to close it first.
        kept = ("--timeout-keep-alive", "60")
        words = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", *kept]
        with deployed.serving(words, folder, deployed.environment(**self.environ, **environ)):
            deployed.fetched(port)
            assert asyncio.run(answers(f"http://localhost:{port}/", requests, at_once)) == {200: requests}
            return self.connections()


@pytest.fixture
def counted(private: Server, certificates: Certificates) -> Iterator[Counted]:
    tls = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    with psycopg.connect(private.uri(sslmode="require"), autocommit=True) as observer:
        yield Counted(observer, {"DATABASE_URL": private.uri(application_name="counted", **tls)})


async def answers(url: str, requests: int, at_once: int) -> Counter[int]:
    """Return the statuses of many requests, `at_once` of them at a time."""
    limits = httpx.Limits(max_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        return Counter(each.status_code for each in await asyncio.gather(*(client.get(url) for _ in range(requests))))


ENGINE = """
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text

import envconn_sqlalchemy

@asynccontextmanager
async def lifespan(service):
    service.state.engine = envconn_sqlalchemy.create_async_engine({options})
    yield
    await service.state.engine.dispose()

app = FastAPI(lifespan=lifespan)

@app.get("/")
async def page() -> dict[str, bool]:
    async with app.state.engine.connect() as connection:
        return {{"ssl": await connection.scalar(text("select ssl from pg_stat_ssl where pid = pg_backend_pid()"))}}
"""
POOL = deployed.EXAMPLES / "fastapi_async"


def test_a_pool_of_asyncpg(counted: Counted) -> None:
    assert 1 <= counted.ask("app:app", POOL, 3 * AT_ONCE, AT_ONCE) <= 5
    counted.wait_for_none()


@pytest.mark.parametrize(("options", "most"), [("", 5), ("pool_size=2, max_overflow=0", 2)])
def test_an_engine_of_sqlalchemy(counted: Counted, tmp_path: Path, options: str, most: int) -> None:
    (tmp_path / "app.py").write_text(ENGINE.format(options=options), encoding="utf-8")
    assert 1 <= counted.ask("app:app", tmp_path, 3 * AT_ONCE, AT_ONCE) <= most
    counted.wait_for_none()


SERVED = "from website.settings import *\nDATABASES = databases({})\n"
PAGE = """
from django.core.asgi import get_asgi_application

app = get_asgi_application()
"""


@pytest.mark.parametrize(("options", "requests"), [("", 300), ("conn_max_age=60", 15)])
def test_django(counted: Counted, tmp_path: Path, options: str, requests: int) -> None:
    """Unasked it keeps none. Asked to, one for each request: Django's documentation advises against that."""
    (tmp_path / "served.py").write_text(PAGE, encoding="utf-8")
    (tmp_path / "tested.py").write_text(SERVED.format(options), encoding="utf-8")
    settings = {"SECRET_KEY": "a key for tests", "DJANGO_SETTINGS_MODULE": "tested", "PYTHONPATH": f"{tmp_path}:{SITE}"}
    environ = deployed.environment(**counted.environ, **settings)
    done = deployed.run([sys.executable, "manage.py", "migrate"], SITE, environ)
    assert done.returncode == 0, done.stderr
    left = counted.ask("served:app", SITE, requests, 15, **settings)
    assert left == 0 if not options else left > 10
