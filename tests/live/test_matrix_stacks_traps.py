"""Nothing in the environment of a process moves asyncpg, SQLAlchemy or Flask, once we have written them out.

The traps are those of `test_matrix_traps`, where libpq is shown to fall into each. What asyncpg falls
into by itself, and what arguments do to a URL, is shown here.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pg8000.dbapi
import pytest
import sqlalchemy

import envconn
import envconn_flask
import envconn_sqlalchemy
import matrix
import stacks
from fakes import Answer
from matrix import CLAIMS, SITES
from stacks import STACKS
from traps import TRAPS, Furniture

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

# site, mode, CA
CELLS = [("good", "require", "none"), ("good", "verify-full", "right"), ("unknownca", "verify-full", "right")]
MARKER = "marker-password"


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("trap", TRAPS)
def test_ours_is_not_caught(
    monkeypatch: pytest.MonkeyPatch,
    lab: Lab,
    certificates: Certificates,
    furniture: Furniture,
    away: list[Fake],
    trap: str,
    stack: str,
) -> None:
    furniture.lay(TRAPS[trap], monkeypatch, Path(os.environ["HOME"]))
    for site, mode, name in CELLS:
        claim = CLAIMS[name](certificates)
        uri = lab[site].uri(**claim.query(mode))
        judged = envconn.load({"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce"}, dotenv=None).database
        want = matrix.expected(judged.tls.level, SITES[site], claim.trusted)
        assert stacks.outcome(stack, judged) == {want}
    assert not any(fake.saw_startup_in_clear for fake in away)


@pytest.mark.parametrize(
    ("trap", "bitten"),
    [
        ("PGSSLMODE", matrix.CLEAR),
        ("PGSSLNEGOTIATION", "direct TLS"),
        ("PGTARGETSESSIONATTRS", "TargetServerAttributeNotMatched"),
        ("root.crl", "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_naive_asyncpg_is(
    monkeypatch: pytest.MonkeyPatch, lab: Lab, furniture: Furniture, trap: str, bitten: str
) -> None:
    entry = TRAPS[trap]
    uri = lab[entry.site].uri(**furniture.query(entry))
    assert naive_asyncpg(uri) == matrix.TLS
    furniture.lay(entry, monkeypatch, Path(os.environ["HOME"]))
    assert bitten in naive_asyncpg(uri)


def naive_asyncpg(uri: str) -> str:
    """Connect as everybody does, with the text and nothing else."""

    async def connect() -> str:
        connection = await asyncpg.connect(uri)
        try:
            return matrix.TLS if stacks.in_use_below(connection) else matrix.CLEAR
        finally:
            connection.terminate()

    try:
        return asyncio.run(connect())
    except Exception as error:  # noqa: BLE001 - whatever it is called, it is told
        return f"{type(error).__name__}: {error}"


def naive_engine(uri: str, **options: object) -> str:
    """Connect as SQLAlchemy's documentation does."""
    engine = sqlalchemy.create_engine(uri, **options)
    try:
        with engine.connect() as connection:
            return matrix.TLS if stacks.in_use_below(connection.connection.driver_connection) else matrix.CLEAR
    except Exception as error:  # noqa: BLE001 - the same
        return f"{type(error).__name__}: {error}"
    finally:
        engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_an_empty_mode_goes_in_clear_without_us(lab: Lab, driver: str) -> None:
    uri = f"{lab['notls'].uri()}?sslmode="
    assert naive_engine(uri.replace("postgresql:", f"postgresql+{driver}:")) == matrix.CLEAR
    with pytest.raises(envconn.ConfigurationError):
        envconn.load({"DATABASE_URL": uri}, dotenv=None)


def test_pg8000_goes_in_clear_without_us(fake: Callable[[Answer], Fake]) -> None:
    thief = fake(Answer.N)
    # The query of a URL has no place in its arguments, so this is what verify-full comes to.
    pg8000.dbapi.connect("app", "localhost", "postgres", thief.port, MARKER).close()
    assert thief.saw_password_in_clear
    thief.startups.clear()
    environ = {"DATABASE_URL": thief.uri(sslmode="require"), "ENVCONN_TLS_LOCAL": "enforce"}
    judged = envconn.load(environ, dotenv=None).database
    assert matrix.NO_TLS in stacks.outcome("pg8000", judged, ask=False)
    assert not thief.saw_startup_in_clear


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_arguments_beat_the_url_without_us(lab: Lab, certificates: Certificates, driver: str) -> None:
    uri = lab["both"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    weak = {"sslmode": "disable"}
    assert naive_engine(uri.replace("postgresql:", f"postgresql+{driver}:"), connect_args=weak) == matrix.CLEAR
    judged = envconn.load({"DATABASE_URL": uri}, dotenv=None).database
    with pytest.raises(envconn.ConfigurationError, match="sslmode"):
        envconn_sqlalchemy.create_engine(judged, driver=driver, connect_args=weak)  # type: ignore[arg-type]
    with pytest.raises(envconn.ConfigurationError, match="sslmode"):
        envconn_flask.config(judged, engine_options={"connect_args": weak})
