"""What a program may state for a driver beside what the environment says."""

from __future__ import annotations

import pytest

import envconn
from envconn import ConfigurationError
from envconn.drivers import asyncpg
from envconn.drivers.allowed_options import permit
from envconn.grammar.libpq_keywords import KEYWORDS

URI = "postgresql://app:x@db.example.com/app?sslmode=require&application_name=ours"
JUDGED = envconn.secure(envconn.parse(URI))
DECIDING = [name for name, keyword in KEYWORDS.items() if keyword.decides in {"where", "who", "tls", "auth"}]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("name", [*DECIDING, "service", "servicefile", "replication", "conninfo", "dsn", "invented"])
def test_what_decides_is_refused_on_libpq(driver: str, name: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        permit(JUDGED, driver, {name: "marker-value"})
    assert [(each.code, each.variable) for each in refusal.value.problems] == [
        ("argument-refused", JUDGED.origin.variable)
    ]
    assert "marker" not in str(refusal.value)


@pytest.mark.parametrize(
    ("query", "variables"), [("&min_protocol_version=3.2", {}), ("", {"PGMINPROTOCOLVERSION": "3.2"}), ("", {})]
)
@pytest.mark.parametrize("value", ["3.0", "3.2", "latest"])
def test_a_demand_is_not_the_programs_to_replace(query: str, variables: dict[str, str], value: str) -> None:
    environ = {"DATABASE_URL": URI + query, **variables}
    connection = envconn.load(environ, env_file=None).database
    if not (query or variables):
        permit(connection, "psycopg", {"min_protocol_version": value})
        return
    with pytest.raises(ConfigurationError, match="DATABASE_URL: min_protocol_version cannot be set in the program"):
        permit(connection, "psycopg", {"min_protocol_version": value})


@pytest.mark.parametrize(
    ("driver", "names"),
    [
        (
            "asyncpg",
            "dsn host port user password passfile service servicefile database ssl direct_tls krbsrvname gsslib",
        ),
        ("asyncpg", "connect connect_kwargs invented"),
        ("pg8000", "user host database port password unix_sock ssl_context replication sock invented"),
        ("redis", "host port db path username password credential_provider ssl ssl_context connection_class invented"),
    ],
)
def test_what_decides_is_refused_elsewhere(driver: str, names: str) -> None:
    for name in names.split():
        with pytest.raises(ConfigurationError):
            permit(JUDGED, driver, [name])


@pytest.mark.parametrize(
    ("driver", "names"),
    [
        ("psycopg", "autocommit row_factory cursor_factory application_name connect_timeout prepare_threshold context"),
        ("psycopg2", "connection_factory cursor_factory application_name keepalives_idle options"),
        ("asyncpg", "command_timeout statement_cache_size server_settings timeout record_class connection_class"),
        ("pg8000", "application_name timeout tcp_keepalive"),
        ("redis", "decode_responses socket_timeout max_connections retry client_name health_check_interval"),
    ],
)
def test_the_rest_passes(driver: str, names: str) -> None:
    permit(JUDGED, driver, names.split())


@pytest.mark.parametrize(
    ("stated", "settings"),
    [
        ({}, {"application_name": "ours"}),
        ({"command_timeout": 3}, {"application_name": "ours"}),
        ({"server_settings": {"search_path": "x"}}, {"application_name": "ours", "search_path": "x"}),
        ({"server_settings": {"application_name": "theirs"}}, {"application_name": "theirs"}),
    ],
)
def test_settings_of_asyncpgs_server_are_added(stated: dict[str, object], settings: dict[str, str]) -> None:
    found = asyncpg.merged(JUDGED, stated)
    assert found["server_settings"] == settings
    assert found["host"] == "db.example.com"
    bare = envconn.secure(envconn.parse("postgresql://app@db.example.com/app?sslmode=require"))
    assert ("server_settings" in asyncpg.merged(bare, stated)) is ("server_settings" in stated)


def test_a_pool_of_asyncpg_gets_its_own_options() -> None:
    stated = {"min_size": 1, "max_size": 2, "init": print, "command_timeout": 3}
    assert asyncpg.parted(JUDGED, stated) == ({"min_size": 1, "max_size": 2, "init": print}, {"command_timeout": 3})
    for name in ("connect", "dsn", "host", "ssl"):
        with pytest.raises(ConfigurationError, match=f" {name} "):
            asyncpg.parted(JUDGED, {name: ""})
