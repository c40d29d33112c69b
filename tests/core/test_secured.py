"""The sealed type: nobody else makes one, and it shows no secret."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from envconn import EndpointUnavailable, SecuredConnection, TlsLevel, Verdict
from envconn.connection import Connection, Host, Origin
from envconn.drivers import libpq
from envconn.providers import Endpoint
from envconn.services import parse, secure
from envconn.tls import require_sealed

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "Zq7xWv9kJb3"
URL = f"postgresql+psycopg://app:{MARKER}@ep-a-pooler.eu-central-1.aws.neon.tech:6543/app?pgbouncer=true"
LIBPQ = 18_00_06


@pytest.fixture
def real() -> SecuredConnection:
    return secure(parse(URL, "DATABASE_URL"))


def constructed(real: SecuredConnection) -> object:
    make: Any = SecuredConnection
    return make(parse(URL), Endpoint(), real.tls, "database")


def constructed_with_a_seal(real: SecuredConnection) -> object:
    return SecuredConnection(parse(URL), Endpoint(), real.tls, "database", seal=object())


def constructed_around_the_real_one(real: SecuredConnection) -> object:
    return SecuredConnection(real._connection, real._endpoint, real.tls, real.name, seal=None)


def subclassed(_: SecuredConnection) -> object:
    return type("Forged", (SecuredConnection,), {})


def changed(real: SecuredConnection) -> None:
    real._tls = Verdict(TlsLevel.NONE, TlsLevel.NONE)


def extended(real: SecuredConnection) -> None:
    real.anything = 1


def emptied(real: SecuredConnection) -> None:
    del real._seal


def pickled(real: SecuredConnection) -> object:
    return [pickle.dumps(real, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]


def rendered_for_libpq(thing: Any) -> object:
    return libpq.arguments(thing, LIBPQ)


def bare(_: SecuredConnection) -> object:
    return rendered_for_libpq(object.__new__(SecuredConnection))


def filled_in(real: SecuredConnection) -> object:
    forged = object.__new__(SecuredConnection)
    values = (real._connection, real._endpoint, "database", object(), Verdict(TlsLevel.NONE, TlsLevel.NONE))
    for slot, value in zip(SecuredConnection.__slots__, values, strict=True):
        object.__setattr__(forged, slot, value)
    return rendered_for_libpq(forged)


def unjudged(_: SecuredConnection) -> object:
    return rendered_for_libpq(parse(URL))


def lookalike(real: SecuredConnection) -> object:
    return rendered_for_libpq(type("SecuredConnection", (), {"_seal": real._seal, "tls": real.tls})())


def text(_: SecuredConnection) -> object:
    return rendered_for_libpq(URL)


def nothing(_: SecuredConnection) -> object:
    return rendered_for_libpq(None)


@pytest.mark.parametrize(
    "forge",
    [
        constructed,
        constructed_with_a_seal,
        constructed_around_the_real_one,
        subclassed,
        changed,
        extended,
        emptied,
        pickled,
        bare,
        filled_in,
        unjudged,
        lookalike,
        text,
        nothing,
    ],
    ids=lambda forge: str(forge.__name__),
)
def test_forging_is_a_type_error(real: SecuredConnection, forge: Callable[[SecuredConnection], object]) -> None:
    with pytest.raises(TypeError) as caught:
        forge(real)
    assert MARKER not in "".join(traceback.format_exception(caught.value))
    require_sealed(real)
    assert real.tls.level == TlsLevel.ENCRYPTED


def test_copies_are_the_thing_itself(real: SecuredConnection) -> None:
    assert copy.copy(real) is real
    assert copy.deepcopy({"a": [real]})["a"][0] is real
    assert real != secure(parse(URL))


@pytest.mark.parametrize(
    "render",
    [repr, str, "{}".format, lambda it: f"{[it]}", lambda it: json.dumps(it, default=str), lambda it: repr(it.tls)],
    ids=["repr", "str", "format", "list", "json", "verdict"],
)
def test_no_secret_is_shown(real: SecuredConnection, render: Callable[[object], str]) -> None:
    assert MARKER not in render(real)


def test_what_it_tells(real: SecuredConnection) -> None:
    assert repr(real) == (
        "<SecuredConnection database: postgresql on ep-a-pooler.eu-central-1.aws.neon.tech:6543, TLS encrypted>"
    )
    told = {
        "name": "database",
        "variable": "DATABASE_URL",
        "origin": Origin("DATABASE_URL"),
        "kind": "postgresql",
        "scheme": "postgresql+psycopg",
        "hosts": (Host("ep-a-pooler.eu-central-1.aws.neon.tech", 6543),),
        "host": "ep-a-pooler.eu-central-1.aws.neon.tech",
        "port": 6543,
        "user": "app",
        "dbname": "app",
        "provider": "neon",
        "pooled": True,
        "pool_mode": "transaction",
        "replica": None,
        "branch": None,
        "role": "app",
        "region": "aws-eu-central-1",
    }
    assert {name: getattr(real, name) for name in told} == told
    assert real.password
    assert real.password.reveal() == MARKER
    assert (dict(real.parameters), dict(real.foreign)) == ({}, {"pgbouncer": "true"})


@pytest.mark.parametrize(
    ("pooled", "replica", "known"),
    [
        (None, None, True),
        (True, None, True),
        (False, None, False),
        (None, True, False),
        (None, False, False),
        (True, False, False),
    ],
)
def test_endpoint(
    real: SecuredConnection,
    pooled: bool | None,  # noqa: FBT001 - a column of the table
    replica: bool | None,  # noqa: FBT001
    known: bool,  # noqa: FBT001
) -> None:
    """Whether it is a replica is not visible here, so neither answer is given."""
    if known:
        assert real.endpoint(pooled=pooled, replica=replica) is real
    else:
        with pytest.raises(EndpointUnavailable, match=r"DATABASE_URL: no endpoint with (pooled|replica)="):
            real.endpoint(pooled=pooled, replica=replica)


def test_connection_is_not_what_drivers_take() -> None:
    assert not isinstance(parse(URL), SecuredConnection)
    assert not issubclass(Connection, SecuredConnection)


def test_pydantic_schema_is_that_of_a_text_to_write() -> None:
    from pydantic import TypeAdapter

    adapter = TypeAdapter(SecuredConnection)
    assert adapter.validate_python(URL).host == "ep-a-pooler.eu-central-1.aws.neon.tech"
    schema = adapter.json_schema()
    assert (schema["type"], schema["writeOnly"]) == ("string", True)
