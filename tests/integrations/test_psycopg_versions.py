"""What a libpq of each version is handed: everything it knows that decides, and nothing it does not know."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
import psycopg2.extensions
import pytest

import envconn
import envconn_psycopg
import fakes
import libpq_drivers
import matrix
from envconn.drivers import libpq
from fakes import Answer
from throwaway import binaries, postgres

if TYPE_CHECKING:
    from lab import Lab
    from throwaway.certificates import Certificates

# What each release notes' section on libpq adds, 14 to 18. All of it is an error for an older one.
ADDED = {
    14: {"sslsni", "sslcrldir"},
    16: {"sslcertmode", "require_auth", "load_balance_hosts", "gssdelegation"},
    17: {"sslnegotiation"},
    18: {
        *("sslkeylogfile", "min_protocol_version", "max_protocol_version", "scram_client_key", "scram_server_key"),
        *("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"),
    },
}
NUMBERS = (13_00_00, 14_00_00, 15_00_18, 16_00_00, 17_00_00, 18_00_06)

# Written out for every version that knows it, whether stated or not.
DECIDING = {
    *("host", "hostaddr", "port", "user", "dbname", "options", "target_session_attrs", "gssencmode"),
    *("channel_binding", "require_auth", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword"),
    *("sslcertmode", "sslcrl", "sslcrldir", "sslsni", "sslcompression", "sslnegotiation", "sslkeylogfile"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "gssdelegation"),
}
# Left to the environment: none of these affects the server or security.
LEFT = {
    *("PGSERVICE", "PGSERVICEFILE", "PGAPPNAME", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGPASSFILE"),
    *("PGKRBSRVNAME", "PGGSSLIB", "PGREQUIREPEER", "PGLOADBALANCEHOSTS"),
    *("PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION"),
}


def judged(query: str = "sslmode=require", host: str = "db.example.com") -> envconn.SecuredConnection:
    return envconn.secure(envconn.parse(f"postgresql://app:secret@{host}/app?{query}", "DATABASE_URL"))


def codes(connection: envconn.SecuredConnection, number: int) -> set[str]:
    with pytest.raises(envconn.ConfigurationError) as refusal:
        libpq.arguments(connection, number)
    return {problem.code for problem in refusal.value.problems}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_version_gets_the_keywords_that_it_supports(number: int) -> None:
    unknown = {name for major, names in ADDED.items() if major > number // 10_000 for name in names}
    arguments = libpq.arguments(judged(), number)
    assert not unknown & arguments.keys()
    assert arguments.keys() >= DECIDING - unknown


@pytest.mark.parametrize("number", NUMBERS)
def test_every_value_is_text(number: int) -> None:
    arguments = libpq.arguments(judged("sslmode=require&connect_timeout=3"), number)
    assert all(isinstance(value, str) for value in arguments.values())


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_the_installed_version_is_read(driver: str) -> None:
    versions = {"psycopg": psycopg.pq.version(), "psycopg2": psycopg2.extensions.libpq_version()}
    assert libpq.version(driver) == versions[driver]
    assert libpq.version(driver) >= libpq.OLDEST


def test_every_variable_of_libpq_is_pinned_or_left_on_purpose() -> None:
    known = {
        option.keyword.decode(): option.envvar.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.envvar
    }
    arguments = libpq.arguments(judged(), psycopg.pq.version())
    assert {variable for keyword, variable in known.items() if keyword not in arguments} <= LEFT


def test_libpq_accepts_every_keyword() -> None:
    arguments = libpq.arguments(judged(), psycopg.pq.version())
    assert psycopg.conninfo.conninfo_to_dict(psycopg.conninfo.make_conninfo(**arguments)) == arguments
    older = libpq.arguments(judged(), psycopg2.extensions.libpq_version())
    assert psycopg2.extensions.parse_dsn(psycopg2.extensions.make_dsn(**older)) == older


def test_only_what_was_judged_is_spelled_out() -> None:
    unjudged = envconn.parse("postgresql://app:secret@db.example.com/app")
    for value in (unjudged, object.__new__(envconn.SecuredConnection)):
        with pytest.raises(TypeError):
            libpq.arguments(value, 18_00_00)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [0, 9_06_24, 10_00_23, 12_00_22])
def test_too_old(number: int) -> None:
    assert codes(judged(), number) == {"driver-too-old"}


@pytest.mark.parametrize(
    ("query", "needed"),
    [
        ("require_auth=scram-sha-256", 16),
        ("sslcertmode=require", 16),
        ("load_balance_hosts=random", 16),
        ("gssdelegation=1", 16),
        ("oauth_issuer=https%3A%2F%2Fexample.com&oauth_client_id=x", 18),
        ("scram_client_key=a2V5&scram_server_key=a2V5", 18),
    ],
)
def test_a_stated_parameter_is_not_dropped_silently(query: str, needed: int) -> None:
    connection = judged(f"sslmode=require&{query}")
    for number in NUMBERS:
        if number // 10_000 < needed:
            assert codes(connection, number) == {"driver-unsupported"}
        else:
            assert query.partition("=")[0] in libpq.arguments(connection, number)


@pytest.mark.parametrize("number", NUMBERS)
def test_direct_negotiation_is_requested_where_it_is_known(number: int) -> None:
    arguments = libpq.arguments(judged("sslmode=require&sslnegotiation=direct"), number)
    assert arguments.get("sslnegotiation") == ("direct" if number >= 17_00_00 else None)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("site", ["good", "unknownca", "wronghost", "notls"])
def test_arguments_for_older_versions_hold_as_well(
    lab: Lab, certificates: Certificates, number: int, site: str
) -> None:
    uri = lab[site].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    connection = envconn.load({"DATABASE_URL": uri}, env_file=None).database
    expected = matrix.expected(connection.tls.level, matrix.SITES[site], "ca")
    assert libpq_drivers.outcome("psycopg", "", libpq.arguments(connection, number)) == expected


@pytest.mark.parametrize("driver", libpq_drivers.DRIVERS)
def test_direct_negotiation_sends_nothing_unencrypted(certificates: Certificates, driver: str) -> None:
    if libpq.version(libpq_drivers.family(driver)) < 17_00_00:
        pytest.skip("needs a libpq of 17 or newer")
    with fakes.running(Answer.N, certificates.good) as fake:
        uri = fake.uri(sslmode="require", sslnegotiation="direct")
        connection = envconn.load({"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce"}, env_file=None).database
        arguments = envconn_psycopg.kwargs(connection, driver=libpq_drivers.family(driver))
        libpq_drivers.outcome(driver, "", arguments, ask=False)
        assert fake.saw_tls
        assert (fake.requests, fake.startups) == ([], [])


@pytest.mark.parametrize("directory", list(binaries.find()), ids=lambda directory: directory.parent.name)
def test_direct_negotiation_with_every_server_there_is(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates, directory: os.PathLike[str]
) -> None:
    monkeypatch.setenv("PATH", f"{os.fspath(directory)}{os.pathsep}{os.environ['PATH']}")
    with postgres.running(certificates.good) as server:
        query = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca), "connect_timeout": "5"}
        uri = server.uri(**query, sslnegotiation="direct")
        connection = envconn.load({"DATABASE_URL": uri}, env_file=None).database
        new = int(server.version.partition(".")[0]) >= 17
        for driver in libpq_drivers.DRIVERS:
            arguments = envconn_psycopg.kwargs(connection, driver=libpq_drivers.family(driver))
            assert (libpq_drivers.outcome(driver, "", arguments) == matrix.TLS) is new
        # A libpq that does not know the word asks first, which every server understands.
        assert libpq_drivers.outcome("psycopg", "", libpq.arguments(connection, 16_00_00)) == matrix.TLS
