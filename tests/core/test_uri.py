"""``uri()``: libpq reads back what was judged, whatever characters there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg.conninfo
import pytest

from envconn.connection import Connection, Host, Parameters, Secret
from envconn.services import parse, secure

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

NASTY = [
    "p@ss/w#rd?",
    "a b+c%20",
    "%",
    "100%25",
    ":/?#[]@!$&'()*+,;=",
    "münch雪🐘",
    "\\'\"`",
    "${b}$(b)",
    " x ",
    "a\tb\nc",
    "-._~",
    "=",
]


def libpq(text: str) -> dict[str, str]:
    return {name: str(value) for name, value in psycopg.conninfo.conninfo_to_dict(text).items()}


@pytest.mark.parametrize("nasty", NASTY)
def test_libpq_reads_the_same_back(nasty: str) -> None:
    hosts = (Host("db.example", 6543),)
    connection = secure(Connection("postgresql", "", hosts, f"u{nasty}", f"d{nasty}", Secret(nasty)))
    encoded = r"[A-Za-z0-9.~_%-]+"
    query = "sslmode=require&gssencmode=disable"
    assert re.fullmatch(
        rf"postgresql://{encoded}:{encoded}@db\.example:6543/{encoded}\?{query}", connection.uri().reveal()
    )
    assert libpq(connection.uri().reveal()) == {
        "user": f"u{nasty}",
        "password": nasty,
        "host": "db.example",
        "port": "6543",
        "dbname": f"d{nasty}",
        "sslmode": "require",
        "gssencmode": "disable",
    }


def test_readers_that_are_not_libpq() -> None:
    connection = secure("postgresql://u:p@db.example/d?gssencmode=prefer&application_name=a")
    assert connection.uri().reveal().endswith("?application_name=a&sslmode=require&gssencmode=disable")
    assert connection.uri(libpq=False).reveal().endswith("?application_name=a&sslmode=require")
    assert secure("rediss://:p@h").uri(libpq=False) == secure("rediss://:p@h").uri()


@pytest.mark.parametrize(
    ("hosts", "host", "port", "hostaddr"),
    [
        ([Host("a", 1), Host("b", 2)], "a,b", "1,2", None),
        ([Host("::1", 5433)], "::1", "5433", None),
        ([Host("fe80::1%eth0", 5433)], "fe80::1%eth0", "5433", None),
        ([Host("/run/post gres", 5433)], "/run/post gres", "5433", None),
        ([Host("/cloudsql/proj:region:inst", 1)], "/cloudsql/proj:region:inst", "1", None),
        ([Host("@abstract", 5432)], "@abstract", "5432", None),
        ([Host("a", 1, "10.0.0.1"), Host("b", 2, "fd00::1")], "a,b", "1,2", "10.0.0.1,fd00::1"),
    ],
    ids=["list", "ipv6", "zone", "socket", "socket-with-colons", "abstract", "hostaddr"],
)
def test_hosts(hosts: list[Host], host: str, port: str, hostaddr: str | None) -> None:
    read = libpq(secure(Connection("postgresql", "", tuple(hosts), "u", "d")).uri().reveal())
    assert (read["host"], read["port"], read.get("hostaddr")) == (host, port, hostaddr)
    assert "password" not in read


def test_parameters_as_written_and_the_verdict_in_place_of_the_mode(certificates: Certificates) -> None:
    connection = secure(
        parse(f"postgres://u:p@h/d?sslmode=require&sslrootcert={certificates.ca}&application_name=a%26b&pgbouncer=1")
    )
    read = libpq(connection.uri().reveal())
    assert read["sslmode"] == "verify-ca"
    assert (read["sslrootcert"], read["application_name"]) == (str(certificates.ca), "a&b")
    assert "pgbouncer" not in connection.uri().reveal()


def test_socket_loses_the_ca_that_nothing_would_check() -> None:
    connection = secure(
        Connection("postgresql", "", (Host("/run", 5432),), "u", "d", None, Parameters({"sslrootcert": "/absent"}))
    )
    read = libpq(connection.uri().reveal())
    assert (read["sslmode"], read.get("sslrootcert")) == ("disable", None)


def test_our_own_grammar_reads_it_back(certificates: Certificates) -> None:
    first = secure(parse(f"postgres://u:p%40@[::1]:1,b:2/d?sslmode=verify-full&sslrootcert={certificates.ca}"))
    again = secure(parse(first.uri().reveal()))
    assert (again.hosts, again.user, again.password, again.dbname) == (
        first.hosts,
        first.user,
        first.password,
        first.dbname,
    )
    assert again.tls.level == first.tls.level
    assert again.uri().reveal() == first.uri().reveal()
