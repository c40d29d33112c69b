"""What libpq's variables demand beside a text: each raises it, none lowers it, and a wrong word is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import envconn
from envconn import ConfigurationError
from envconn.drivers import asyncpg, libpq

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

LISTS = "lists"
NAMES = {
    "PGCHANNELBINDING": "channel_binding",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGREQUIREAUTH": "require_auth",
    "PGREQUIREPEER": "requirepeer",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLCRL": "sslcrl",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
}


@pytest.fixture
def files(certificates: Certificates) -> dict[str, str]:
    Path(LISTS).mkdir()
    Path(LISTS, "0123abcd.r0").touch()
    return {"CRL": str(certificates.good.chain), "LISTS": str(Path(LISTS).resolve()), "CA": str(certificates.ca)}


def load(files: dict[str, str], query: str, place: str = "db.example.com", **variables: str) -> envconn.Services:
    for word, path in files.items():
        query = query.replace(f"={word}", f"={path}")
        variables = {name: path if value == word else value for name, value in variables.items()}
    return envconn.load({"DATABASE_URL": f"postgresql://u:p@{place}/d?{query}", **variables}, env_file=None)


VERIFIED = "sslmode=verify-full&sslrootcert=CA"


@pytest.mark.parametrize(
    ("variable", "value", "query", "place"),
    [
        ("PGCHANNELBINDING", "require", "", "db.example.com"),
        ("PGCHANNELBINDING", "require", "channel_binding=prefer", "db.example.com"),
        ("PGCHANNELBINDING", "require", "channel_binding=disable", "db.example.com"),
        ("PGCHANNELBINDING", "require", "", "localhost"),
        ("PGREQUIREAUTH", "scram-sha-256", "", "db.example.com"),
        ("PGREQUIREAUTH", "!password,!none", "", "db.example.com"),
        ("PGREQUIREAUTH", "scram-sha-256", "require_auth=scram-sha-256%2Cmd5", "db.example.com"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1.3", "", "db.example.com"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1.3", "ssl_min_protocol_version=TLSv1.2", "db.example.com"),
        ("PGSSLCERTMODE", "require", "", "db.example.com"),
        ("PGSSLNEGOTIATION", "direct", "", "db.example.com"),
        ("PGSSLNEGOTIATION", "direct", "sslnegotiation=postgres", "db.example.com"),
        ("PGMINPROTOCOLVERSION", "3.2", "", "db.example.com"),
        ("PGMINPROTOCOLVERSION", "latest", "min_protocol_version=3.2", "db.example.com"),
        ("PGSSLCRL", "CRL", VERIFIED, "db.example.com"),
        ("PGSSLCRL", "CRL", "sslmode=verify-ca&sslrootcert=CA", "db.example.com"),
        ("PGSSLCRLDIR", "LISTS", VERIFIED, "db.example.com"),
        ("PGSSLCRLDIR", "LISTS", f"{VERIFIED}&sslcrl=CRL", "db.example.com"),
        ("PGREQUIREPEER", "postgres", "", "%2Frun"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1.3", "ssl_max_protocol_version=TLSv1.3", "db.example.com"),
    ],
)
def test_raises(files: dict[str, str], variable: str, value: str, query: str, place: str) -> None:
    services = load(files, query, place, **{variable: value})
    name, database = NAMES[variable], services.database
    assert database.parameters[name] == files.get(value, value)
    assert libpq.arguments(database, 18_00_00).get(name) == files.get(value, value)
    assert [(found.code, found.variable) for found in services.report().notes if found.variable == variable] == [
        ("demand-raised", variable)
    ]
    assert any(variable in sentence for sentence in database.tls.evidence)


@pytest.mark.parametrize(
    ("variable", "value", "query", "place"),
    [
        ("PGCHANNELBINDING", "prefer", "channel_binding=require", "db.example.com"),
        ("PGCHANNELBINDING", "disable", "", "db.example.com"),
        ("PGREQUIREAUTH", "password,none", "require_auth=scram-sha-256", "db.example.com"),
        ("PGREQUIREAUTH", "md5", "require_auth=scram-sha-256", "db.example.com"),
        ("PGREQUIREAUTH", "scram-sha-256,md5", "require_auth=scram-sha-256", "db.example.com"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1.2", "ssl_min_protocol_version=TLSv1.3", "db.example.com"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1", "", "db.example.com"),
        ("PGSSLMAXPROTOCOLVERSION", "TLSv1.2", "", "db.example.com"),
        ("PGSSLMAXPROTOCOLVERSION", "TLSv1.2", "ssl_max_protocol_version=TLSv1.3", "db.example.com"),
        ("PGSSLCERTMODE", "allow", "sslcertmode=require", "db.example.com"),
        ("PGSSLNEGOTIATION", "postgres", "sslnegotiation=direct", "db.example.com"),
        ("PGMINPROTOCOLVERSION", "3.0", "min_protocol_version=3.2", "db.example.com"),
        ("PGSSLCRL", "CRL", "", "db.example.com"),
        ("PGSSLCRL", "/nowhere", f"{VERIFIED}&sslcrl=CRL", "db.example.com"),
        ("PGSSLCRLDIR", "LISTS", "sslmode=require", "db.example.com"),
        ("PGSSLCRLDIR", "/nowhere", f"{VERIFIED}&sslcrldir=LISTS", "db.example.com"),
        ("PGREQUIREPEER", "postgres", "", "db.example.com"),
        ("PGREQUIREPEER", "postgres", "requirepeer=root", "%2Frun"),
    ],
)
def test_never_lowers(files: dict[str, str], variable: str, value: str, query: str, place: str) -> None:
    services, without = load(files, query, place, **{variable: value}), load(files, query, place)
    assert services.database.parameters == without.database.parameters
    assert [(found.code, found.variable) for found in services.report().notes if found.variable == variable] == [
        ("pg-variable-ignored", variable)
    ]


@pytest.mark.parametrize(
    ("variable", "value", "query", "code"),
    [
        ("PGCHANNELBINDING", "required", "", "policy-unknown"),
        ("PGCHANNELBINDING", "REQUIRE", "", "policy-unknown"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1.4", "", "policy-unknown"),
        ("PGSSLNEGOTIATION", "at once", "", "policy-unknown"),
        ("PGMINPROTOCOLVERSION", "2.0", "", "policy-unknown"),
        ("PGSSLMINPROTOCOLVERSION", "1.3", "", "policy-unknown"),
        ("PGSSLCERTMODE", "TLSv1", "", "policy-unknown"),
        ("PGREQUIREAUTH", "scram", "", "policy-unknown"),
        ("PGREQUIREAUTH", "!none,scram-sha-256", "", "policy-unknown"),
        ("PGREQUIREAUTH", "scram-sha-256,", "", "policy-unknown"),
        ("PGREQUIREAUTH", "scram-sha-256,scram-sha-256", "", "policy-unknown"),
        ("PGREQUIREAUTH", "scram-sha-256, md5", "", "policy-unknown"),
        ("PGSSLCRL", "CRL", f"{VERIFIED}&sslcrldir=LISTS", "crl-contradicts"),
        ("PGSSLMINPROTOCOLVERSION", "TLSv1.3", "ssl_max_protocol_version=TLSv1.2", "tls-version-range"),
        ("PGMINPROTOCOLVERSION", "3.2", "max_protocol_version=3.0", "tls-version-range"),
    ],
)
def test_refuses(files: dict[str, str], variable: str, value: str, query: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(files, query, **{variable: value})
    assert [(found.code, found.variable) for found in caught.value.problems] == [(code, variable)]


@pytest.mark.parametrize("word", ["tlsv1.3", "TLSV1.3", "TlsV1.3"])
def test_versions_in_any_case(files: dict[str, str], word: str) -> None:
    for services in (load(files, "", PGSSLMINPROTOCOLVERSION=word), load(files, f"ssl_min_protocol_version={word}")):
        assert services.database.parameters["ssl_min_protocol_version"] == "TLSv1.3"


@pytest.mark.parametrize(
    ("host", "query", "remedy"),
    [
        ("localhost", "", "Use sslmode=require there, or unset PGSSLNEGOTIATION"),
        ("%2Frun", "", "which the unix socket of DATABASE_URL cannot use. Unset PGSSLNEGOTIATION"),
        ("%2Frun", "sslmode=require", "cannot use. Unset PGSSLNEGOTIATION"),
    ],
)
def test_direct_tls_needs_tls(files: dict[str, str], host: str, query: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(files, query, host, PGSSLNEGOTIATION="direct")
    [found] = caught.value.problems
    assert (found.code, found.variable) == ("direct-needs-tls", "PGSSLNEGOTIATION")
    assert remedy in found.message


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("PGSSLCRL", "/nowhere", "tls-file-missing"),
        ("PGSSLCRLDIR", "/nowhere", "tls-file-missing"),
        ("PGSSLCRLDIR", "CRL", "crl-broken"),
    ],
)
def test_what_is_demanded_has_to_be_there(files: dict[str, str], variable: str, value: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(files, VERIFIED, **{variable: value})
    assert [(found.code, found.variable) for found in caught.value.problems] == [(code, variable)]


def test_both_lists_by_variables(files: dict[str, str]) -> None:
    services = load(files, VERIFIED, PGSSLCRL="CRL", PGSSLCRLDIR="LISTS")
    assert {"sslcrl", "sslcrldir"} <= services.database.parameters.keys()


def test_every_connection_and_every_door(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = "postgresql://u:p@other.example.com/d"
    services = load(files, "", PGREQUIREAUTH="scram-sha-256", OTHER_DATABASE_URL=text, REDIS_URL="rediss://h")
    assert services["other"].parameters["require_auth"] == "scram-sha-256"
    assert "require_auth" not in services["broker"].parameters
    monkeypatch.setenv("PGREQUIREAUTH", "scram-sha-256")
    assert envconn.secure(text).parameters["require_auth"] == "scram-sha-256"
    assert envconn.secure(text, envconn.Policy(tls="require")).parameters["require_auth"] == "scram-sha-256"


def test_a_driver_that_cannot_names_the_variable(files: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        asyncpg.arguments(load(files, "", PGREQUIREAUTH="scram-sha-256").database)
    assert [(found.code, found.variable) for found in caught.value.problems] == [
        ("driver-unsupported", "PGREQUIREAUTH")
    ]


def test_a_sibling_must_meet_it_too(files: dict[str, str]) -> None:
    text = "postgresql://u:p@direct.example.com/d"
    database = load(files, "", PGCHANNELBINDING="require", DIRECT_URL=text).database
    assert [each.parameters["channel_binding"] for each in database.siblings] == ["require"]


def test_a_text_that_states_the_same_needs_no_note(files: dict[str, str]) -> None:
    services = load(files, "sslmode=require&channel_binding=require", PGCHANNELBINDING="require")
    assert services.database.parameters["channel_binding"] == "require"
    assert not [note for note in services.report().notes if note.variable == "PGCHANNELBINDING"]
