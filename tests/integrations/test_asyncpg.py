"""asyncpg against real servers: its connection and its pool. What TLS comes to is tested in tests/live."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

import envconn
import envconn_asyncpg
import stacks

if TYPE_CHECKING:
    from lab import Lab


def test_connect_reads_the_environment(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    monkeypatch.setenv("DATABASE_URL", lab["good"].uri(sslmode="require", application_name="name of ours"))

    async def name() -> object:
        connection = await envconn_asyncpg.connect()
        try:
            assert stacks.in_use_below(connection)
            return await connection.fetchval("select current_setting('application_name')")
        finally:
            await connection.close()

    assert asyncio.run(name()) == "name of ours"


def test_options_are_asyncpgs(lab: Lab) -> None:
    services = envconn.load({"DATABASE_URL": lab["good"].uri(sslmode="require")}, env_file=None)

    async def ask() -> list[object]:
        settings = {"application_name": "job"}
        connection = await envconn_asyncpg.connect(services, command_timeout=5, server_settings=settings)
        plain = await asyncpg.connect(**envconn_asyncpg.kwargs(services))
        async with envconn_asyncpg.create_pool(services, min_size=1, max_size=1, server_settings=settings) as pool:
            names = [await each.fetchval("select current_setting('application_name')") for each in (connection, pool)]
        await connection.close()
        await plain.close()
        return names

    assert asyncio.run(ask()) == ["job", "job"]
    assert lab["good"].password not in repr(envconn_asyncpg.kwargs(services))
    with pytest.raises(envconn.ConfigurationError, match="ssl"):
        envconn_asyncpg.create_pool(services, ssl=False)


@pytest.mark.parametrize("pooler", ["none", "transaction"])
def test_a_pool_serves(lab: Lab, pooler: str) -> None:
    environ = {"DATABASE_URL": lab["good"].uri(sslmode="require"), "ENVCONN_POOL_MODE": pooler}
    services = envconn.load(environ, env_file=None)

    async def numbers() -> list[object]:
        async with envconn_asyncpg.create_pool(services, min_size=1, max_size=3) as pool:
            assert pool.get_max_size() == 3
            tasks = (pool.fetchval("select $1::int", number) for number in range(9))
            prepared = await pool.fetchval("select count(*) from pg_prepared_statements")
            assert bool(prepared) is (pooler == "none")
            return list(await asyncio.gather(*tasks))

    assert asyncio.run(numbers()) == list(range(9))


def test_services_connections_and_nothing_else() -> None:
    services = envconn.load({"DATABASE_URL": "postgresql://app:x@db.example.com/app?sslmode=require"}, env_file=None)
    assert envconn_asyncpg.kwargs(services)["host"] == envconn_asyncpg.kwargs(services.database)["host"]
    with pytest.raises(TypeError):
        envconn_asyncpg.kwargs(envconn.parse("postgresql://app@db.example.com/app"))  # type: ignore[arg-type]
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL"):
        envconn_asyncpg.kwargs()


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_a_pool_that_opens_its_connections_itself(lab: Lab, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """That of asyncpg 0.29 does: `create_pool` had no argument `connect` then."""
    make = asyncpg.create_pool

    def create_pool(dsn: str | None = None, *, min_size: int, max_size: int, **options: Any) -> asyncpg.Pool:
        return make(dsn, min_size=min_size, max_size=max_size, **options)

    monkeypatch.setattr(asyncpg, "create_pool", create_pool)
    server = lab["good"]
    url = server.uri(sslmode="require").replace(server.password, server.password if password == "right" else "marker")
    services = envconn.load({"DATABASE_URL": url}, env_file=None)

    async def answer() -> object:
        async with envconn_asyncpg.create_pool(services, min_size=1, max_size=2) as pool, pool.acquire() as connection:
            assert stacks.in_use_below(connection)
            return await connection.fetchval("select 7")

    if password == "right":
        assert asyncio.run(answer()) == 7
    else:
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(answer())
