"""The traps of a URL: each one works with the plain URL first, and then not with envconn.

The traps of the environment are those of `test_matrix_traps` and `test_matrix_stacks_traps`, Celery's are in
integrations/test_celery_traps.py, a pooler's in `test_pooler`. Numbers are those of the list that these tests
follow: A for unencrypted connections, B for TLS that verifies less than it seems to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import flask
import flask_sqlalchemy
import psycopg
import psycopg2
import pytest

import envconn
import envconn_asyncpg
import envconn_flask
import envconn_psycopg
import envconn_sqlalchemy
import fakes
import libpq_drivers
import matrix
import naive
import revocation
import stacks
from envconn.drivers import libpq
from envconn.export import render
from fakes import Answer, Fake
from matrix import CLEAR, TLS, UNTRUSTED
from naive import NAIVE
from stacks import STACKS, opened
from throwaway import postgres
from throwaway.server import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envconn.export import FormatName
    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

LIBPQ = ("psycopg", "psycopg2")
ALCHEMY = ("sqlalchemy+psycopg", "sqlalchemy+psycopg2")
EACH = pytest.mark.parametrize("stack", STACKS)


class Trap(NamedTuple):
    """What stands behind the database in a URL for `site`, what it comes to in those that fall in, and with ours.

    Ours is refused with the code `ours`, or comes to that outcome in every stack.
    """

    number: str
    text: str
    site: str
    bitten: str
    drivers: tuple[str, ...]
    ours: str


URLS = [
    Trap("A2, unset in a template", "?sslmode=", "notls", CLEAR, ("asyncpg", *ALCHEMY), "value-empty"),
    Trap("A2, no value", "?sslmode&sslrootcert={ca}", "notls", CLEAR, ALCHEMY, "parameter-syntax"),
    Trap("A2, semicolon", "?sslrootcert={ca};sslmode=verify-full", "notls", CLEAR, ("asyncpg", *ALCHEMY),
         "parameter-misplaced"),
    Trap("A2, fragment", "#sslmode=verify-full", "notls", CLEAR, ("asyncpg",), "parameter-misplaced"),
    Trap("A3, absent", "", "notls", CLEAR, tuple(NAIVE), matrix.NO_TLS),
    Trap("A3, allow", "?sslmode=allow", "both", CLEAR, ("asyncpg", *LIBPQ, *ALCHEMY), TLS),
    Trap("A4", "?sslmode=prefer&sslrootcert={ca}", "both_unknownca", CLEAR, (*LIBPQ, *ALCHEMY), UNTRUSTED),
    Trap("A5", "?sslrootcert=system", "notls", CLEAR, ("asyncpg",), matrix.NO_TLS),
    Trap("A6", "?sslmode=verify-full&sslrootcert={ca}", "notls", CLEAR, ("pg8000",), matrix.NO_TLS),
    Trap("A9, twice", "?sslmode=verify-full&sslrootcert={ca}&sslmode=disable", "both", CLEAR, ("asyncpg", *LIBPQ),
         "parameter-duplicate"),
    Trap("B3", "?sslmode=require&sslrootcert={missing}", "unknownca", TLS, (*LIBPQ, *ALCHEMY), "ca-missing"),
    Trap("B4", "?sslmode=require&sslrootcert={plus}", "unknownca", TLS, ALCHEMY, UNTRUSTED),
    Trap("B4, the other way round", "?sslmode=require&sslrootcert={space}", "unknownca", TLS, LIBPQ, "ca-missing"),
]  # fmt: skip


@pytest.fixture
def paths(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Files to name in URLs. A space is written as plus where ``space`` is; the system trusts the right CA alone."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    for name in ("ca+plus.pem", "ca space.pem"):
        (tmp_path / name).write_bytes(certificates.ca.read_bytes())
    found = {"ca": certificates.ca, "missing": certificates.missing, "plus": tmp_path / "ca+plus.pem"}
    return {**{name: str(path) for name, path in found.items()}, "space": str(tmp_path / "ca+space.pem")}


def enforced(uri: str) -> dict[str, str]:
    return {"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce"}


@pytest.mark.parametrize("trap", URLS, ids=lambda trap: trap.number)
def test_a_url_as_it_is(lab: Lab, paths: dict[str, str], trap: Trap) -> None:
    uri = lab[trap.site].uri() + trap.text.format_map(paths)
    assert {driver: NAIVE[driver](uri) for driver in trap.drivers} == dict.fromkeys(trap.drivers, trap.bitten)


@pytest.mark.parametrize("trap", URLS, ids=lambda trap: trap.number)
def test_ours(lab: Lab, paths: dict[str, str], trap: Trap) -> None:
    environ = enforced(lab[trap.site].uri() + trap.text.format_map(paths))
    try:
        seen = {stack: stacks.outcome(stack, environ) for stack in STACKS}
    except envconn.ConfigurationError as refusal:
        seen = {"load": {problem.code for problem in refusal.problems}}
    assert {name: outcome for name, outcome in seen.items() if trap.ours not in outcome} == {}


@pytest.mark.parametrize("driver", NAIVE)
@pytest.mark.parametrize("mode", ["", "?sslmode=prefer", "?sslmode=allow"])
def test_a_password_is_sent_to_any_server_that_asks(fake: Callable[[Answer], Fake], driver: str, mode: str) -> None:
    """A3 and A6: the server says that it has no TLS, and asks for the password as plain text."""
    thief = fake(Answer.N)
    NAIVE[driver](thief.uri() + mode)
    assert thief.saw_password_unencrypted
    startups = len(thief.startups)
    for stack in STACKS:
        assert matrix.NO_TLS in stacks.outcome(stack, enforced(thief.uri() + mode), ask=False)
    assert len(thief.startups) == startups


def test_arguments_beat_the_url(lab: Lab, certificates: Certificates) -> None:
    """A8. With ours there is no URL to be beaten: Python refuses an argument that is given twice."""
    uri = lab["both"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    judged = envconn.load(enforced(uri), env_file=None).database
    weak = {"sslmode": "disable"}
    for driver, module in (("psycopg", psycopg), ("psycopg2", psycopg2)):
        assert libpq_drivers.outcome(driver, uri, weak, ask=False) == CLEAR
        with pytest.raises(TypeError, match="multiple values"):
            module.connect(**envconn_psycopg.kwargs(judged, driver=libpq_drivers.family(driver)), **weak)
        assert naive.engine(uri, driver, connect_args=weak) == CLEAR
        with pytest.raises(envconn.ConfigurationError, match="sslmode"):
            envconn_sqlalchemy.create_engine(judged, driver=driver, connect_args=weak)  # type: ignore[arg-type]
    assert naive.asyncpg_connect(uri, ssl=False) == CLEAR
    with pytest.raises(TypeError, match="multiple values"):
        asyncpg.connect(**envconn_asyncpg.kwargs(judged), ssl=False)


def test_options_beat_the_url_in_flask(lab: Lab, certificates: Certificates) -> None:
    """A8, by way of a setting."""
    uri = lab["both"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    options = {"connect_args": {"sslmode": "disable"}}
    app = flask.Flask("naive")
    app.config.update(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_ENGINE_OPTIONS=options)
    db = flask_sqlalchemy.SQLAlchemy(app)
    with app.app_context():
        assert opened(db.engine) == CLEAR
        db.engine.dispose()
    ours = flask.Flask("ours")
    ours.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    with pytest.raises(envconn.ConfigurationError, match="sslmode"):
        envconn_flask.EnvConn(ours, services=envconn.load(enforced(uri), env_file=None))


@pytest.fixture(scope="module")
def revoked(certificates: Certificates) -> Iterator[Server]:
    """A server whose certificate is good, but for the list of `revocations`."""
    with postgres.running(certificates.issue("localhost")) as server:
        yield server


@pytest.fixture
def revocations(revoked: Server, certificates: Certificates, tmp_path: Path) -> str:
    """The path of the list that names the server's certificate."""
    return str(revocation.listed(tmp_path / "revoked.crl", certificates.authority, shown(revoked.port) or b""))


@pytest.mark.parametrize("broken", ["missing", "not_pem"])
@pytest.mark.parametrize("driver", LIBPQ)
def test_a_list_that_cannot_be_read_revokes_nothing(
    revoked: Server, revocations: str, certificates: Certificates, driver: str, broken: str
) -> None:
    """B5."""
    verified = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    assert NAIVE[driver](revoked.uri(**verified, sslcrl=revocations)) == UNTRUSTED
    uri = revoked.uri(**verified, sslcrl=str(getattr(certificates, broken)))
    assert NAIVE[driver](uri) == TLS
    with pytest.raises(envconn.ConfigurationError) as refusal:
        envconn.load(enforced(uri), env_file=None)
    assert [problem.code for problem in refusal.value.problems] == [
        {"missing": "tls-file-missing", "not_pem": "crl-broken"}[broken]
    ]


@EACH
def test_a_list_that_can_be_read_does(
    revoked: Server, revocations: str, certificates: Certificates, stack: str
) -> None:
    verified = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    assert stacks.outcome(stack, enforced(revoked.uri(**verified))) == {TLS}
    assert stacks.outcome(stack, enforced(revoked.uri(**verified, sslcrl=revocations))) == {UNTRUSTED}


@EACH
def test_a_directory_of_lists_does(
    revoked: Server, certificates: Certificates, tmp_path: Path, stack: str, lab: Lab
) -> None:
    """Alone, in a text and in parts; another server, whose certificate is on none of its lists, is let in."""
    leaf = shown(revoked.port) or b""
    directory = str(revocation.directory(tmp_path / "lists", certificates.authority, leaf))
    verified = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    assert stacks.outcome(stack, enforced(revoked.uri(**verified, sslcrldir=directory))) == {UNTRUSTED}
    parts = {
        "PGHOST": "localhost",
        "PGPORT": str(revoked.port),
        "PGUSER": revoked.user,
        "PGPASSWORD": revoked.password,
        "PGDATABASE": revoked.dbname,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(certificates.ca),
    }
    assert stacks.outcome(stack, parts) == {TLS}
    assert stacks.outcome(stack, {**parts, "PGSSLCRLDIR": directory}) == {UNTRUSTED}
    assert stacks.outcome(stack, enforced(lab["good"].uri(**verified, sslcrldir=directory))) == {TLS}


@pytest.mark.parametrize("driver", LIBPQ)
@pytest.mark.parametrize("name", ["uri", "conninfo"])
def test_what_is_exported_keeps_a_directory_of_lists(
    revoked: Server, certificates: Certificates, tmp_path: Path, driver: str, name: FormatName
) -> None:
    leaf = shown(revoked.port) or b""
    directory = str(revocation.directory(tmp_path / "lists", certificates.authority, leaf))
    uri = revoked.uri(sslmode="verify-full", sslrootcert=str(certificates.ca), sslcrldir=directory)
    exported = render(envconn.load(enforced(uri), env_file=None).database, name).strip()
    assert NAIVE[driver](exported) == UNTRUSTED
    nothing = {"uri": "", "conninfo": "''"}[name]
    assert NAIVE[driver](exported.replace(directory, nothing)) == TLS


@pytest.fixture
def middleman(certificates: Certificates) -> Iterator[Fake]:
    """A man in the middle: TLS with a certificate of an unknown CA, and a request for the password as plain text."""
    with fakes.running(Answer.CONSENT, certificates.unknownca) as fake:
        yield fake


@pytest.mark.parametrize("wish", ["channel_binding=require", "require_auth=scram-sha-256"])
def test_asyncpg_sends_an_unknown_parameter_as_a_setting(middleman: Fake, wish: str) -> None:
    """B10: it sends to the server what should have protected it from the server."""
    uri = f"{middleman.uri(sslmode='require')}&{wish}"
    assert naive.asyncpg_connect(uri) == TLS
    assert middleman.confided == ["marker-password"]
    for stack, entry in STACKS.items():
        if entry.driver in {"asyncpg", "pg8000"}:
            with pytest.raises(envconn.ConfigurationError, match=wish.partition("=")[0]):
                stacks.outcome(stack, enforced(uri), ask=False)
        else:
            assert stacks.outcome(stack, enforced(uri), ask=False).isdisjoint({TLS, CLEAR})
    assert middleman.confided == ["marker-password"]


@EACH
def test_require_is_encrypted_and_no_more(middleman: Fake, certificates: Certificates, stack: str) -> None:
    """B11: that is what the level says, and why there are higher ones."""
    uri = middleman.uri(sslmode="require")
    assert stacks.outcome(stack, enforced(uri), ask=False) == {TLS}
    assert middleman.confided == ["marker-password"]
    assert stacks.outcome(stack, enforced(f"{uri}&sslrootcert={certificates.ca}"), ask=False) == {UNTRUSTED}
    floor = {"ENVCONN_TLS": "verify-ca", "DATABASE_CA_CERT": str(certificates.ca)}
    assert stacks.outcome(stack, {**enforced(uri), **floor}, ask=False) == {UNTRUSTED}
    assert middleman.confided == ["marker-password"]


def test_keys_of_tls_to_a_file(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B12: a variable makes Python's TLS write them, asyncpg's own included."""
    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    uri = lab["good"].uri(sslmode="require")
    assert {stack: stacks.outcome(stack, enforced(uri)) for stack in STACKS} == {stack: {TLS} for stack in STACKS}
    assert not keys.exists()
    assert naive.asyncpg_connect(uri) == TLS
    assert keys.exists()


def test_keys_of_tls_to_a_file_of_the_urls(lab: Lab, tmp_path: Path) -> None:
    """B12: so does a parameter, which is new in libpq 18."""
    keys = tmp_path / "keys"
    uri = lab["good"].uri(sslmode="require", sslkeylogfile=str(keys))
    if libpq.version("psycopg") >= 18_00_00:
        assert NAIVE["psycopg"](uri) == TLS
        assert keys.exists()
    with pytest.raises(envconn.ConfigurationError, match="sslkeylogfile"):
        envconn.load(enforced(uri), env_file=None)


@pytest.fixture
def hardening(revoked: Server, certificates: Certificates, tmp_path: Path) -> dict[str, str]:
    """Variables for whose sake libpq alone refuses the server."""
    leaf = shown(revoked.port) or b""
    return {
        "PGSSLCRL": str(revocation.listed(tmp_path / "list.crl", certificates.authority, leaf)),
        "PGSSLCRLDIR": str(revocation.directory(tmp_path / "lists", certificates.authority, leaf)),
        "PGREQUIREAUTH": "gss",
        "PGSSLMINPROTOCOLVERSION": "TLSv1.4",
    }


@pytest.mark.parametrize("variable", ["PGSSLCRL", "PGSSLCRLDIR", "PGREQUIREAUTH", "PGSSLMINPROTOCOLVERSION"])
@EACH
def test_a_variable_of_libpq_beside_a_url(
    revoked: Server, certificates: Certificates, stack: str, hardening: dict[str, str], variable: str
) -> None:
    """Where libpq alone refuses for its sake, no driver of ours connects: it is refused there, or at load."""
    uri = revoked.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    assert stacks.outcome(stack, enforced(uri)) == {TLS}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(variable, hardening[variable])
        assert NAIVE["psycopg"](uri) != TLS
        assert refused_or_outcome(stack, {**enforced(uri), variable: hardening[variable]}) != {TLS}


def refused_or_outcome(stack: str, variables: dict[str, str]) -> set[str]:
    try:
        return set(stacks.outcome(stack, variables))
    except envconn.ConfigurationError as refusal:
        return {problem.variable for problem in refusal.problems}
