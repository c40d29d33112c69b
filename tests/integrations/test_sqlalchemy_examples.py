"""The examples with SQLAlchemy that are no whole program: a session for replicas, and FastAPI with SQLModel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
import sqlalchemy
from sqlalchemy import text
from sqlmodel import SQLModel

from fastapi_sqlmodel.app import app
from replica_session.app import RoutingSession, engines

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Lab


@pytest.fixture
def both(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A primary and a replica, which are two names of one server."""
    for variable, host, name in (
        ("DATABASE_URL", "localhost", "primary"),
        ("DATABASE_REPLICA_URL", "127.0.0.1", "replica"),
    ):
        monkeypatch.setenv(variable, lab["good"].uri(host, sslmode="require", application_name=name))


NAME = text("select current_setting('application_name')")
TABLE = sqlalchemy.table("absent", sqlalchemy.column("id"))
LOCKING = sqlalchemy.select(TABLE).with_for_update()


@pytest.mark.parametrize("writing", [TABLE.insert().values(id=1), TABLE.update().values(id=1), TABLE.delete(), LOCKING])
def test_a_session_reads_from_the_replica_until_it_writes(both: None, writing: sqlalchemy.Executable) -> None:
    made = engines()
    with RoutingSession(info=made) as session:
        assert [session.scalar(NAME), session.scalar(NAME)] == ["replica", "replica"]
        with pytest.raises(sqlalchemy.exc.ProgrammingError, match="absent"):
            session.execute(writing)
        session.rollback()
        assert session.scalar(NAME) == "primary"
    with RoutingSession(info=made) as another:
        assert another.scalar(NAME) == "replica"
    for engine in made.values():
        engine.dispose()


def test_a_session_without_a_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    made = engines()
    assert made["primary"] is made["replica"]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg", "aiosqlite"])
def test_fastapi_with_sqlmodel(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    server = lab["good"].uri(sslmode="require").replace("postgresql:", f"postgresql+{driver}:")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/notes.db" if driver == "aiosqlite" else server)

    async def told() -> tuple[object, object]:
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as web:
            added = await web.post("/notes", json={"text": "over TLS"})
            listed = await web.get("/notes")
            assert app.state.engine.dialect.driver == driver
            async with app.state.engine.begin() as connection:  # leave nothing on a server that others use
                await connection.run_sync(SQLModel.metadata.drop_all)
            return added.json(), listed.json()

    note = {"id": 1, "text": "over TLS"}
    assert asyncio.run(told()) == (note, [note])
