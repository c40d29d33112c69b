"""The keyword record, held against the libpq that is installed, and what is derived from it."""

from __future__ import annotations

import pytest
from psycopg import pq

from envconn.drivers.libpq import Keywords
from envconn.grammar.libpq_keywords import (
    ATTRIBUTES,
    BESIDE,
    FROM_VERDICT,
    KEYWORDS,
    OVERRULED,
    VARIABLES,
    VERDICT,
    pins,
    spelled,
    weakened,
)

ALWAYS = ATTRIBUTES - {"hostaddr", "password"}
"""What every connection states."""


def test_every_keyword_of_this_libpq_is_written_out_refused_or_harmless() -> None:
    for option in pq.Conninfo.get_defaults():
        name, variable = option.keyword.decode(), (option.envvar or b"").decode()
        keyword = KEYWORDS[name]
        assert keyword.variable == variable
        assert bool(keyword.harmless) != (keyword.pinned is not None or name in ALWAYS or bool(keyword.refusal)), name


def refused_by_libpq(name: str, value: str) -> bool:
    """Whether the installed libpq calls `value` invalid, before it connects."""
    made = pq.PGconn.connect_start(f"host=/nowhere user=u dbname=d {name}={value}".encode())
    return b"invalid" in made.error_message


FIXED = [
    (name, value)
    for name, keyword in KEYWORDS.items()
    if name != "sslcompression" and keyword.since <= pq.version() // 10_000
    for value in keyword.values
]
"""What the installed libpq knows; the corners have an older one."""


@pytest.mark.parametrize(("name", "value"), FIXED)
def test_words_are_read_in_the_cases_that_this_libpq_reads(name: str, value: str) -> None:
    assert not refused_by_libpq(name, value)
    for other in {value.upper(), value.lower(), value.title(), value.swapcase()} - {value}:
        assert refused_by_libpq(name, other) == (spelled(name, other) != value), other


@pytest.mark.parametrize("value", ["TLSv1", "TLSv1.1"])
def test_weak_versions_are_recognised_in_any_case(value: str) -> None:
    assert not refused_by_libpq("ssl_min_protocol_version", value.upper())
    assert spelled("ssl_min_protocol_version", value.upper()) == value


def test_type_checkers_know_every_keyword() -> None:
    handed_over = {name for name, keyword in KEYWORDS.items() if keyword.pinned is not None or not keyword.refusal}
    assert Keywords.__annotations__.keys() == handed_over


def test_what_is_pinned_is_what_this_libpq_does_alone() -> None:
    """But for ``gssencmode``, which a build with GSSAPI prefers: it would take the place of TLS."""
    different = {
        option.keyword.decode()
        for option in pq.Conninfo.get_defaults()
        if (default := (option.compiled or b"").decode())
        and (pinned := KEYWORDS[option.keyword.decode()].pinned) != VERDICT
        and pinned is not None
        and pinned != default
    }
    assert different <= {"gssencmode"}


def test_every_variable_is_read_noted_or_harmless() -> None:
    """None stands in no list, as eight did."""
    known = {keyword.variable for keyword in KEYWORDS.values() if keyword.variable}
    harmless = {keyword.variable for keyword in KEYWORDS.values() if keyword.variable and keyword.harmless}
    assert {*OVERRULED, *FROM_VERDICT, *harmless} == known | BESIDE.keys()
    assert harmless == {
        *("PGPASSWORD", "PGPASSFILE", "PGCONNECT_TIMEOUT", "PGCLIENTENCODING", "PGAPPNAME"),
        *("PGKRBSRVNAME", "PGGSSLIB"),
    }
    assert known - VARIABLES.keys() == {"PGSERVICE", "PGSERVICEFILE"}
    assert FROM_VERDICT == ("PGSSLMODE", "PGSSLROOTCERT")


def test_columns_of_a_keyword_are_consistent() -> None:
    for name, keyword in KEYWORDS.items():
        assert keyword.decides in {"where", "who", "tls", "auth", "session", "no"}
        assert keyword.older in {"refuse", "drop"}
        for neighbour, value in keyword.unless:
            assert neighbour in KEYWORDS
            assert value != keyword.pinned
        assert {*keyword.usual} <= {*keyword.values} or not keyword.values
        assert not keyword.values or keyword.pinned in {None, VERDICT, "", *keyword.values}
        assert not keyword.order or keyword.decides in {"tls", "auth", "session"}, name


@pytest.mark.parametrize(
    ("name", "stated", "libpq", "expected"),
    [
        ("sslcrl", (), 18, "/dev/null/absent"),
        ("sslcrl", ("sslcrldir",), 18, ""),
        ("sslcertmode", (), 18, "disable"),
        ("sslcertmode", ("sslcert",), 18, "allow"),
        ("sslpassword", ("sslcert",), 18, "-"),
        ("max_protocol_version", (), 18, "3.0"),
        ("max_protocol_version", ("min_protocol_version",), 18, "latest"),
        ("require_auth", (), 17, "none,password,md5,gss,sspi,scram-sha-256"),
        ("require_auth", (), 18, "none,password,md5,gss,sspi,scram-sha-256,oauth"),
        ("application_name", (), 18, None),
        ("sslmode", (), 18, None),
    ],
)
def test_pins(name: str, stated: tuple[str, ...], libpq: int, expected: str | None) -> None:
    assert pins(stated, libpq).get(name) == expected


ANY = "password,md5,scram-sha-256"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("channel_binding", "require", "disable"),
        ("channel_binding", "require", "prefer"),
        ("channel_binding", "require", None),
        ("channel_binding", None, "disable"),
        ("require_auth", "scram-sha-256", "password,none"),
        ("require_auth", "scram-sha-256", None),
        ("require_auth", "scram-sha-256", "scram-sha-256,none"),
        ("require_auth", "scram-sha-256", "gss"),
        ("require_auth", "!none", None),
        ("require_auth", "!none", "!password"),
        ("require_auth", "!none,!password", "!none"),
        ("require_auth", ANY, "!none"),
        ("ssl_min_protocol_version", "TLSv1.3", "TLSv1.2"),
        ("ssl_min_protocol_version", "TLSv1.3", None),
        ("ssl_max_protocol_version", None, "TLSv1.2"),
        ("ssl_max_protocol_version", "TLSv1.3", "TLSv1.2"),
        ("sslcrl", "/crl.pem", None),
        ("sslcrldir", "/crls", None),
        ("requirepeer", "postgres", None),
        ("requirepeer", "postgres", "root"),
        ("sslcertmode", "require", "allow"),
        ("sslcertmode", "require", "disable"),
        ("sslcertmode", "require", None),
    ],
)
def test_what_demands_less_or_cannot_be_compared(name: str, before: str | None, after: str | None) -> None:
    stated = [{} if value is None else {name: value} for value in (before, after)]
    assert weakened(*stated) == [name]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("channel_binding", "disable", "prefer"),
        ("channel_binding", "prefer", None),
        ("channel_binding", None, "require"),
        ("require_auth", None, "scram-sha-256"),
        ("require_auth", ANY, "scram-sha-256"),
        ("require_auth", ANY, "scram-sha-256,md5,password"),
        ("require_auth", "!none", ANY),
        ("require_auth", "!none", "!none,!password"),
        ("ssl_min_protocol_version", "TLSv1.2", None),
        ("ssl_min_protocol_version", None, "TLSv1.3"),
        ("ssl_max_protocol_version", "TLSv1.2", None),
        ("sslcrl", "/crl.pem", "/other.pem"),
        ("sslcrldir", None, "/crls"),
        ("requirepeer", None, "postgres"),
        ("sslcertmode", "allow", "disable"),
        ("sslcertmode", None, "require"),
        ("application_name", "a", None),
        ("sslmode", "verify-full", "require"),
    ],
)
def test_what_demands_as_much_or_is_not_compared_here(name: str, before: str | None, after: str | None) -> None:
    stated = [{} if value is None else {name: value} for value in (before, after)]
    assert weakened(*stated) == []
