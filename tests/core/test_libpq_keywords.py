"""The keyword record, held against the libpq that is installed, and what is derived from it."""

from __future__ import annotations

import pytest
from psycopg import pq

from envconn.drivers.libpq import Keywords
from envconn.grammar.libpq_keywords import (
    ATTRIBUTES,
    BESIDE,
    CONTEXT,
    DEMANDS,
    FILES,
    FOREIGN,
    FROM_VERDICT,
    HOME_CA,
    HOME_CRL,
    KEYWORDS,
    OVERRULED,
    PRESENT,
    REFUSABLE,
    REFUSED_WORDS,
    SAFE_MODES,
    SAME,
    SECRETS,
    SERVICE_FILES,
    SUBSET,
    UNWRITTEN,
    VARIABLES,
    VERDICT,
    WEAK_TLS,
    demanded_by,
    known_methods,
    methods,
    pins,
    reversed_ranges,
    spelled,
    weakened,
    without_effect,
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


OF_TLS = "sslmode sslnegotiation sslcert sslkey sslpassword sslrootcert sslcrl sslcrldir"
VERSIONS = "ssl_min_protocol_version ssl_max_protocol_version"
PROTOCOLS = "min_protocol_version max_protocol_version"
OAUTH = "scram_client_key scram_server_key oauth_issuer oauth_client_id oauth_client_secret oauth_scope"


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("decides", "where", "host hostaddr port dbname service servicefile"),
        ("decides", "who", "user password"),
        ("decides", "tls", f"{OF_TLS} {VERSIONS} sslcompression sslcertmode sslsni gssencmode sslkeylogfile"),
        (
            "decides",
            "auth",
            f"channel_binding require_auth requirepeer passfile krbsrvname gsslib gssdelegation {OAUTH}",
        ),
        ("decides", "session", f"target_session_attrs load_balance_hosts {PROTOCOLS} options replication"),
        ("since", 10, "passfile target_session_attrs"),
        ("since", 12, "gssencmode tcp_user_timeout"),
        ("since", 13, f"sslpassword {VERSIONS} channel_binding"),
        ("since", 14, "sslcrldir sslsni"),
        ("since", 16, "sslcertmode require_auth gssdelegation load_balance_hosts"),
        ("since", 17, "sslnegotiation"),
        ("since", 18, f"{OAUTH} {PROTOCOLS} sslkeylogfile"),
        ("since", 19, "servicefile"),
        ("secret", True, "password sslpassword scram_client_key scram_server_key oauth_client_secret"),
        ("file", True, "sslcert sslkey sslcrl sslcrldir"),
        (
            "number",
            True,
            "connect_timeout tcp_user_timeout keepalives_idle keepalives_interval keepalives_count",
        ),
        ("folded", True, VERSIONS),
        ("context", True, f"{OF_TLS} {VERSIONS}"),
        ("older", "drop", f"sslnegotiation sslsni {PROTOCOLS}"),
        ("pinned", "", "hostaddr sslpassword sslcrldir ssl_max_protocol_version requirepeer options sslkeylogfile"),
        ("pinned", VERDICT, "sslmode sslrootcert"),
        ("pinned", "postgres", "sslnegotiation"),
        ("pinned", "0", "sslcompression gssdelegation"),
        ("pinned", "1", "sslsni"),
        ("pinned", "/dev/null/absent", "sslcert sslkey sslcrl"),
        ("pinned", "disable", "sslcertmode gssencmode load_balance_hosts"),
        ("pinned", "TLSv1.2", "ssl_min_protocol_version"),
        ("pinned", "prefer", "channel_binding"),
        ("pinned", "any", "target_session_attrs"),
        ("pinned", "3.0", PROTOCOLS),
        ("usual", ("0",), "sslcompression gssdelegation connect_timeout"),
        ("usual", ("1",), "sslsni keepalives"),
        ("usual", ("allow",), "sslcertmode"),
        ("usual", ("any",), "target_session_attrs"),
        ("usual", ("disable",), "load_balance_hosts"),
        ("usual", ("disable", "prefer"), "gssencmode channel_binding"),
        ("usual", ("UTF8", "utf8", "UTF-8", "utf-8"), "client_encoding"),
        ("order", ("postgres", "direct"), "sslnegotiation"),
        ("order", ("allow", "require"), "sslcertmode"),
        ("order", ("TLSv1.2", "TLSv1.3"), "ssl_min_protocol_version"),
        ("order", ("TLSv1.2", "TLSv1.3", ""), "ssl_max_protocol_version"),
        ("order", ("disable", "prefer", "require"), "channel_binding"),
        ("order", ("3.0", "3.2", "latest"), "min_protocol_version"),
        ("order", PRESENT, "sslcrl sslcrldir"),
        ("order", SUBSET, "require_auth"),
        ("order", SAME, "requirepeer"),
        ("values", ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"), "sslmode"),
        ("values", ("postgres", "direct"), "sslnegotiation"),
        ("values", ("0",), "sslcompression"),
        ("values", ("0", "1"), "sslsni gssdelegation keepalives"),
        ("values", ("disable", "allow", "require"), "sslcertmode"),
        ("values", ("TLSv1.2", "TLSv1.3"), VERSIONS),
        ("values", ("disable", "prefer"), "gssencmode"),
        ("values", ("disable", "prefer", "require"), "channel_binding"),
        (
            "values",
            ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
            "target_session_attrs",
        ),
        ("values", ("disable", "random"), "load_balance_hosts"),
        ("values", ("3.0", "3.2", "latest"), PROTOCOLS),
    ],
)
def test_which_keywords_have_what(field: str, value: object, names: str) -> None:
    """Each entry that a driver, the grammar or a rotation depends on."""
    assert {name for name, keyword in KEYWORDS.items() if getattr(keyword, field) == value} == {*names.split()}


def test_what_is_derived() -> None:
    assert {*DEMANDS.values()} == {name for name, keyword in KEYWORDS.items() if keyword.order}
    assert {"host", "hostaddr", "port", "dbname", "user", "password"} == ATTRIBUTES
    assert SERVICE_FILES == ("PGSERVICE", "PGSERVICEFILE")
    assert SAFE_MODES == ("require", "verify-ca", "verify-full")
    assert {*FILES, *SECRETS, *CONTEXT} <= KEYWORDS.keys()
    assert {*BESIDE} == {"PGREQUIRESSL", "PGSYSCONFDIR", "PGOAUTHDEBUG"}
    assert {"PGGSSENCMODE"} == REFUSABLE - UNWRITTEN
    assert (HOME_CA, HOME_CRL) == ("~/.postgresql/root.crt", "~/.postgresql/root.crl")
    assert WEAK_TLS == ("TLSv1", "TLSv1.1")
    assert {*REFUSED_WORDS} == {
        ("sslmode", "no-verify"),
        ("sslcompression", "1"),
        ("gssencmode", "require"),
        *((name, word) for name in VERSIONS.split() for word in WEAK_TLS),
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ssl_min_protocol_version": "TLSv1.3", "ssl_max_protocol_version": "TLSv1.2"}, VERSIONS),
        ({"min_protocol_version": "3.2", "max_protocol_version": "3.0"}, PROTOCOLS),
        ({"min_protocol_version": "latest", "max_protocol_version": "3.0"}, PROTOCOLS),
        ({"min_protocol_version": "latest", "max_protocol_version": "3.2"}, ""),
        ({"min_protocol_version": "3.2"}, ""),
        ({"ssl_max_protocol_version": "TLSv1.2"}, ""),
        ({"ssl_min_protocol_version": "TLSv1.2", "ssl_max_protocol_version": "TLSv1.2"}, ""),
    ],
)
def test_ranges(values: dict[str, str | None], expected: str) -> None:
    assert [name for pair in reversed_ranges(values) for name in pair] == expected.split()


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
        ("requirepeer", "postgres", "postgres"),
        ("sslcertmode", "allow", "disable"),
        ("sslcertmode", None, "require"),
        ("application_name", "a", None),
        ("sslmode", "verify-full", "require"),
    ],
)
def test_what_demands_as_much_or_is_not_compared_here(name: str, before: str | None, after: str | None) -> None:
    stated = [{} if value is None else {name: value} for value in (before, after)]
    assert weakened(*stated) == []


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("sslcrl", "/home/app/.postgresql/root.crl", HOME_CRL),
        ("sslcrl", "/etc/root.crl", "PGSSLCRL"),
        ("sslcrldir", "/home/app/.postgresql/root.crl", "PGSSLCRLDIR"),
        ("require_auth", "scram-sha-256", "PGREQUIREAUTH"),
    ],
)
def test_who_demands_it(name: str, value: str, place: str) -> None:
    assert demanded_by(name, value) == place


def test_all_methods_at_once_are_known() -> None:
    every = sorted(methods(None))
    assert every == ["gss", "md5", "none", "oauth", "password", "scram-sha-256", "sspi"]
    assert known_methods(",".join(every))
    assert known_methods(",".join(f"!{method}" for method in every))
    assert not known_methods(",".join([*every, "other"]))


def test_parameters_of_other_tools_that_have_an_effect_are_not_among_those_that_have_none() -> None:
    used = {name for name, each in FOREIGN.items() if each.used}
    assert used
    assert without_effect([*FOREIGN, "of_no_tool"]).keys() == FOREIGN.keys() - used | {"of_no_tool"}
