"""SQLAlchemy against real servers, on each driver; Alembic on the engine for migrations.

Whether the TLS promise holds is the business of tests/live; this is everything else.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import event, text

import envconn
import envconn_sqlalchemy
import stacks
from stacks import SYNC

if TYPE_CHECKING:
    from pathlib import Path

    from envconn import SecuredConnection
    from envconn.drivers.installed import Driver
    from lab import Lab
    from throwaway.server import Server


def load(uri: str, **environ: str) -> SecuredConnection:
    return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None).database


@pytest.mark.parametrize("driver", SYNC)
def test_every_way_to_make_the_engine(lab: Lab, driver: Driver) -> None:
    judged = load(lab["good"].uri(sslmode="require", application_name="name of ours"))
    url = envconn_sqlalchemy.url(judged, driver=driver)
    first = envconn_sqlalchemy.create_engine(judged, driver=driver, pool_size=2, echo=False)
    settings = {"sqlalchemy.url": str(url), "sqlalchemy.pool_size": "3"}
    for engine in (
        first,
        sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool),
        sqlalchemy.create_engine(str(first.url)),
        sqlalchemy.engine_from_config(settings, plugins=[]),
    ):
        assert row_of(engine) == ("name of ours", True, "postgres")
        assert engine.url == url
    assert judged.password
    assert judged.password.reveal() not in f"{url!r}{url}"


QUERY = """
    select current_setting('application_name'), ssl, current_database() from pg_stat_ssl where pid = pg_backend_pid()
"""


def row_of(engine: sqlalchemy.Engine) -> tuple[object, ...]:
    with engine.connect() as connection:
        found = tuple(connection.execute(text(QUERY)).one())
    engine.dispose()
    return found


@pytest.mark.parametrize("driver", SYNC)
def test_what_decides_nothing_is_merged(lab: Lab, driver: Driver) -> None:
    url = envconn_sqlalchemy.url(load(lab["good"].uri(sslmode="require")), driver=driver)
    assert row_of(sqlalchemy.create_engine(url, connect_args={"application_name": "mine"}))[0] == "mine"
    assert row_of(sqlalchemy.create_engine(url.update_query_dict({"application_name": "mine"})))[0] == "mine"
    other = url.set(database="template1")
    assert row_of(sqlalchemy.create_engine(other)) == (row_of(sqlalchemy.create_engine(url))[0], True, "template1")


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL"):
        envconn_sqlalchemy.create_engine()
    # `postgres://` is no dialect for SQLAlchemy
    monkeypatch.setenv("DATABASE_URL", lab["good"].uri(sslmode="require").replace("postgresql", "postgres"))
    with envconn_sqlalchemy.create_engine().begin() as connection:
        assert connection.execute(text("select 1")).scalar() == 1
        connection.detach()


@pytest.mark.parametrize("driver", stacks.ASYNC)
def test_an_asynchronous_engine_serves_tasks(lab: Lab, driver: Driver) -> None:
    judged = load(lab["good"].uri(sslmode="require"), ENVCONN_POOL_MODE="transaction")

    async def numbers() -> list[object]:
        engine = envconn_sqlalchemy.create_async_engine(judged, driver=driver, pool_size=2)

        async def one(number: int) -> object:
            async with engine.connect() as connection:
                return (await connection.execute(text("select cast(:n as int)"), {"n": number})).scalar()

        try:
            return list(await asyncio.gather(*map(one, range(6))))
        finally:
            await engine.dispose()

    assert asyncio.run(numbers()) == list(range(6))


def test_a_listener_without_effect_is_refused(lab: Lab) -> None:
    """It would have supplied a password, and the engine has another one."""
    for insert in (False, True):
        engine = envconn_sqlalchemy.create_engine(load(lab["good"].uri(sslmode="require")))
        event.listen(engine, "do_connect", lambda *_: None, insert=insert)
        with pytest.raises(envconn.ConfigurationError, match="do_connect"):
            engine.connect()


def test_autocommit_of_pg8000_is_refused_behind_a_pooler(lab: Lab) -> None:
    judged = load(lab["good"].uri(sslmode="require"), ENVCONN_POOL_MODE="transaction")
    engine = envconn_sqlalchemy.create_engine(judged, driver="pg8000")
    with pytest.raises(envconn.ConfigurationError, match="autocommit"):
        engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        assert connection.execute(text("select 1")).scalar() == 1
        with pytest.raises(envconn.ConfigurationError, match="autocommit"):
            connection.execution_options(isolation_level="AUTOCOMMIT")
    engine.dispose()


def test_migrations_go_past_the_pooler(lab: Lab) -> None:
    pooled = lab["good"].uri(sslmode="require", application_name="pooled")
    direct = lab["good"].uri("127.0.0.1", sslmode="require", application_name="direct")
    services = envconn.load({"DATABASE_URL": f"{pooled}&pgbouncer=true", "DIRECT_DATABASE_URL": direct}, env_file=None)
    engine = envconn_sqlalchemy.create_engine(services.connection(pooled=False), poolclass=sqlalchemy.NullPool)
    assert isinstance(engine.pool, sqlalchemy.NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("select current_setting('application_name')")).scalar() == "direct"


@pytest.mark.checkout
@pytest.mark.parametrize("example", ["alembic_env", pytest.param("alembic_async_env", marks=pytest.mark.application)])
def test_alembic(checkout: Path, private: Server, example: str) -> None:
    def alembic(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "-c", str(checkout / "examples" / example / "alembic.ini"), *command],
            env={**os.environ, "DATABASE_URL": private.uri(sslmode="require"), "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    alembic("upgrade", "head")
    with psycopg.connect(private.uri()) as connection:
        assert connection.execute("select count(*) from notes").fetchone() == (0,)
    assert "DROP TABLE notes" in alembic("downgrade", "0001:base", "--sql")
    alembic("downgrade", "base")
