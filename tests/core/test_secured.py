"""The sealed type: it cannot be made elsewhere, and shows no secret."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from envconn import ConfigurationError, EndpointUnavailable, SecuredConnection, TlsLevel, Verdict
from envconn.connection import Connection, Host, Origin
from envconn.drivers import libpq
from envconn.services import parse, secure
from envconn.tls import CA, require_sealed
from envconn.tls.judged import Features
from envconn.tls.secured import foreign_parameters, understood
from leaks import MARKER
from wrongfiles import no_descriptor_left

if TYPE_CHECKING:
    from collections.abc import Callable

URL = f"postgresql+psycopg://app:{MARKER}@ep-a-pooler.eu-central-1.aws.neon.tech:6543/app?pgbouncer=true"
LIBPQ = 18_00_06
WEAK = Verdict(TlsLevel.NONE, TlsLevel.NONE)


@pytest.fixture
def real() -> SecuredConnection:
    return secure(parse(URL, "DATABASE_URL"))


def constructed(real: SecuredConnection) -> object:
    make: Any = SecuredConnection
    return make(real._judgement)


def constructed_with_a_seal(real: SecuredConnection) -> object:
    return SecuredConnection(real._judgement, seal=object())


def constructed_without_a_seal(real: SecuredConnection) -> object:
    return SecuredConnection(real._judgement, seal=None)


def subclassed(_: SecuredConnection) -> object:
    return type("Forged", (SecuredConnection,), {})


def changed(real: SecuredConnection) -> None:
    real._judgement = real._judgement._replace(verdict=WEAK)


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
    object.__setattr__(forged, "_judgement", real._judgement._replace(verdict=WEAK))
    object.__setattr__(forged, "_seal", object())
    return rendered_for_libpq(forged)


def unjudged(_: SecuredConnection) -> object:
    return rendered_for_libpq(parse(URL))


def lookalike(real: SecuredConnection) -> object:
    return rendered_for_libpq(type("SecuredConnection", (), {"_seal": real._seal, "tls": real.tls})())


def liar(real: SecuredConnection) -> object:
    """Pass an object that lies about its class, which `isinstance` believes."""
    attributes = {
        "__class__": property(lambda _: SecuredConnection),
        "_judgement": real._judgement,
        "_seal": real._seal,
    }
    lying = type("Liar", (), {**attributes, "tls": real.tls})()
    assert isinstance(lying, SecuredConnection)
    return rendered_for_libpq(lying)


def text(_: SecuredConnection) -> object:
    return rendered_for_libpq(URL)


def nothing(_: SecuredConnection) -> object:
    return rendered_for_libpq(None)


@pytest.mark.parametrize(
    "forge",
    [
        constructed,
        constructed_with_a_seal,
        constructed_without_a_seal,
        subclassed,
        changed,
        extended,
        emptied,
        pickled,
        bare,
        filled_in,
        unjudged,
        lookalike,
        liar,
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
    attributes = {
        "name": "database",
        "origin": Origin("DATABASE_URL"),
        "family": "postgresql",
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
        "features": Features(
            cloud="aws",
            prepared_statements=True,
            startup_options=False,
            idle_seconds=300,
            lifetime_seconds=None,
            suspends=True,
            direct_tls=False,
            enforces_tls=True,
        ),
    }
    assert {name: getattr(real, name) for name in attributes} == attributes
    assert real.password
    assert real.password.reveal() == MARKER
    assert understood(real) == ("recognised as Neon", "pgbouncer=true means a pooler in transaction mode")
    assert (dict(real.parameters), dict(foreign_parameters(real))) == ({}, {"pgbouncer": "true"})


def test_endpoints_of_a_neon_database(real: SecuredConnection) -> None:
    """What is asked for is this one, or derived and judged again, or refused with the reason."""
    assert real.endpoint() is real
    assert real.endpoint(pooled=True, replica=False) is real
    direct = secure(parse(URL.partition("?")[0])).endpoint(pooled=False)
    assert (direct.host, direct.pooled, direct.tls.level) == (real.host.replace("-pooler", ""), False, real.tls.level)
    require_sealed(direct)
    for wish in ({"replica": True}, {"branch": "other"}):
        with pytest.raises(EndpointUnavailable, match=r"^DATABASE_URL: .*\. Set ") as caught:
            real.endpoint(**wish)
        assert MARKER not in str(caught.value)


def test_derived_endpoint_is_judged_like_any_other() -> None:
    direct = secure(parse(f"postgres://app.b1:{MARKER}@us-east-2.pg.psdb.cloud/d?options=-c%20x%3D1", "DATABASE_URL"))
    with pytest.raises(
        EndpointUnavailable, match=r"^DATABASE_URL: a pooled endpoint: the pooler does not support options"
    ):
        direct.endpoint(pooled=True)


@pytest.mark.parametrize(
    ("query", "direct_tls"), [("", False), ("?sslnegotiation=direct", True), ("?sslnegotiation=postgres", False)]
)
def test_direct_tls_as_stated(query: str, direct_tls: bool) -> None:  # noqa: FBT001 - a column of the table
    unknown = secure(parse(f"postgres://u:p@h/d{query}"))
    assert unknown.features.direct_tls is direct_tls
    assert (
        unknown.provider,
        unknown.features.idle_seconds,
        unknown.features.lifetime_seconds,
        unknown.features.suspends,
    ) == (
        None,
        None,
        None,
        False,
    )


def test_connection_is_not_what_drivers_take() -> None:
    assert not isinstance(parse(URL), SecuredConnection)
    assert not issubclass(Connection, SecuredConnection)


def test_pydantic_schema_is_that_of_a_text_to_write() -> None:
    from pydantic import TypeAdapter

    adapter = TypeAdapter(SecuredConnection)
    assert adapter.validate_python(URL).host == "ep-a-pooler.eu-central-1.aws.neon.tech"
    schema = adapter.json_schema()
    assert (schema["type"], schema["writeOnly"]) == ("string", True)


CERTIFICATES = CA("file", "MY_CA", 1, "/ca.pem")
FULL, VERIFIED, ENCRYPTED = TlsLevel.VERIFY_FULL, TlsLevel.VERIFY_CA, TlsLevel.ENCRYPTED
CHECKED = "the server's certificate is checked against the CA in /ca.pem, named by MY_CA"


@pytest.mark.parametrize(
    ("verdict", "evidence"),
    [
        (
            Verdict(ENCRYPTED, TlsLevel.OPPORTUNISTIC),
            ["without sslmode, the client may fall back to", "raised to encrypted, the minimum set by ENVCONN_TLS"],
        ),
        (
            Verdict(TlsLevel.NONE, TlsLevel.NONE, waived="*.internal"),
            ["without sslmode, TLS is not used", "TLS is not required, because ENVCONN_TLS_WAIVE has *.internal"],
        ),
        (Verdict(VERIFIED, VERIFIED, ca=CERTIFICATES), ["without sslmode, the CA is verified", CHECKED]),
        (
            Verdict(FULL, FULL, ca=CERTIFICATES, _demanded=(("PGSSLCRL", "sslcrl"),)),
            [", the CA and the hostname are verified", CHECKED, "PGSSLCRL demands more than the text: sslcrl"],
        ),
        (
            Verdict(VERIFIED, ENCRYPTED, ca=CERTIFICATES, _floor_from="MY_CA", _ca_from="MY_CA"),
            ["the server is not verified", "raised to verify-ca, because MY_CA is a CA to verify with", CHECKED],
        ),
        (
            Verdict(VERIFIED, ENCRYPTED, ca=CERTIFICATES, _ca_from="MY_CA (.env:1)"),
            ["the server is not verified", "verify-ca, the minimum set by ENVCONN_TLS", f"{CHECKED} (.env:1)"],
        ),
        (Verdict(ENCRYPTED, TlsLevel.NONE, _ca_from="ENVCONN_TLS"), ["not used", "the minimum set by ENVCONN_TLS"]),
        (Verdict(TlsLevel.NONE, ENCRYPTED, local=True), ["is required", "loopback address", "to a unix socket"]),
        (Verdict(TlsLevel.NONE, TlsLevel.NONE, _serverless="there is no server"), ["there is no server"]),
    ],
)
def test_the_evidence(verdict: Verdict, evidence: list[str]) -> None:
    assert len(verdict.evidence) == len(evidence), verdict.evidence
    for reason, expected in zip(verdict.evidence, evidence, strict=True):
        assert expected in reason
        assert reason.endswith(expected) or expected not in CHECKED


def test_nothing_is_local_or_read_only_that_is_not_known_to_be() -> None:
    assert not WEAK.local
    assert secure(parse("postgresql://app@db.example.com/app")).read_only is False


@pytest.mark.parametrize(
    ("module", "call", "variable"),
    [
        ("envconn.tls.uri_writer", lambda real: real.uri(), "DATABASE_URL"),
        ("envconn.tls.endpoints", lambda real: real.endpoint(pooled=True), "DATABASE_URL"),
        ("envconn.grammar.recheck", lambda _: secure(URL), "connection string"),
    ],
)
def test_the_first_call_of_a_process_that_can_open_no_file(
    real: SecuredConnection,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    call: Callable[[SecuredConnection], object],
    variable: str,
) -> None:
    package, _, name = module.rpartition(".")
    monkeypatch.delattr(sys.modules[package], name, raising=False)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ConfigurationError) as caught, no_descriptor_left():
        call(real)
    assert [(each.code, each.variable) for each in caught.value.problems] == [("files-exhausted", variable)]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError):
        call(real)
