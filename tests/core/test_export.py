"""What each reader is given for each level, word by word; and what it is not given."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

import envconn
from envconn import ConfigurationError, Policy, TlsLevel
from envconn.export import FORMATS, FormatName, environment, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn import SecuredConnection
    from throwaway.certificates import Certificates

CA = "/etc/pki/app ca.pem"
"""Where the reader finds it. It has a blank, and is not there."""

BASE = "postgresql://app:s3cret@db.example:6543/shop"


def secured(query: str = "", place: str = "", *, scheme: str = "postgresql", **facts: str) -> SecuredConnection:
    """Judge a URL, in an environment with a waiver for db.example."""
    url = f"{scheme}://app:s3cret@{place or 'db.example:6543'}/shop{query}"
    found = envconn.load({"DATABASE_URL": url, "ENVCONN_TLS_WAIVE": "*.example", **facts}, env_file=None)
    return found.database


@pytest.fixture
def queries(certificates: Certificates) -> dict[TlsLevel, str]:
    """What a URL says to get each level."""
    return {
        TlsLevel.NONE: "?sslmode=disable",
        TlsLevel.OPPORTUNISTIC: "?sslmode=prefer",
        TlsLevel.ENCRYPTED: "?sslmode=require",
        TlsLevel.VERIFY_CA: f"?sslmode=verify-ca&sslrootcert={certificates.ca}",
        TlsLevel.VERIFY_FULL: f"?sslmode=verify-full&sslrootcert={certificates.ca}",
    }


_JDBC = "jdbc:postgresql://db.example:6543/shop?user=app&password=s3cret&sslmode="
_URL = f"{BASE}?"
_NPGSQL = "Host=db.example;Port=6543;Database=shop;Username=app;Password=s3cret;SSL Mode="
_ASYNCPG = "ssl_min_protocol_version=TLSv1.2&target_session_attrs=any"
_PGX = "sslcert=&sslkey=&sslpassword=&sslsni=1&target_session_attrs=any"
_ROOT = "sslrootcert=/etc/pki/app%20ca.pem"
_PINNED = (
    "sslcompression=0&sslcert=/dev/null/absent&sslkey=/dev/null/absent{empty}&sslcrl=/dev/null/absent"
    "&ssl_min_protocol_version=TLSv1.2{empties}&gssencmode=disable&channel_binding=prefer{peer}&target_session_attrs=any"
)

# The whole text for each level, or what is refused and why.
TABLE: dict[FormatName, tuple[str, str, str, str, str]] = {
    "asyncpg": (
        f"{_URL}sslmode=disable&{_ASYNCPG}",
        f"{_URL}sslmode=prefer&{_ASYNCPG}",
        f"{_URL}sslmode=require&{_ASYNCPG}",
        f"{_URL}sslmode=verify-ca&{_ROOT}&{_ASYNCPG}",
        f"{_URL}sslmode=verify-full&{_ROOT}&{_ASYNCPG}",
    ),
    "jdbc": (
        f"{_JDBC}disable&gssEncMode=disable",
        f"{_JDBC}prefer&gssEncMode=disable",
        f"{_JDBC}require&gssEncMode=disable",
        f"{_JDBC}verify-ca&{_ROOT}&gssEncMode=disable",
        f"{_JDBC}verify-full&{_ROOT}&gssEncMode=disable",
    ),
    "prisma": (
        f"DATABASE_URL='{_URL}sslmode=disable'",
        f"DATABASE_URL='{_URL}sslmode=prefer&sslaccept=accept_invalid_certs'",
        f"DATABASE_URL='{_URL}sslmode=require&sslaccept=accept_invalid_certs'",
        "REFUSED Prisma does not support verify-ca. Use sslmode=verify-full",
        f"DATABASE_URL='{_URL}sslmode=require&sslaccept=strict&sslcert=/etc/pki/app%20ca.pem'",
    ),
    "node-postgres": (
        f"{_URL}sslmode=disable&sslnegotiation=postgres",
        "REFUSED node-postgres does not support optional TLS. Use sslmode=require, or sslmode=disable",
        f"{_URL}sslmode=require&uselibpqcompat=true&sslnegotiation=postgres",
        f"{_URL}sslmode=verify-ca&{_ROOT}&uselibpqcompat=true&sslnegotiation=postgres",
        f"{_URL}sslmode=verify-full&{_ROOT}&sslnegotiation=postgres",
    ),
    "npgsql": (
        f"{_NPGSQL}Disable;GSS Encryption Mode=Disable",
        f"{_NPGSQL}Prefer;GSS Encryption Mode=Disable",
        f"{_NPGSQL}Require;GSS Encryption Mode=Disable",
        "REFUSED Npgsql also trusts public CAs, so verify-ca cannot be enforced. Use sslmode=verify-full",
        f'{_NPGSQL}VerifyFull;Root Certificate="/etc/pki/app ca.pem";GSS Encryption Mode=Disable',
    ),
    "pgx": (
        f"{_URL}sslrootcert=&sslmode=disable&{_PGX}",
        f"{_URL}sslrootcert=&sslmode=prefer&{_PGX}",
        f"{_URL}sslrootcert=&sslmode=require&{_PGX}",
        f"{_URL}{_ROOT}&sslmode=verify-ca&{_PGX}",
        f"{_URL}{_ROOT}&sslmode=verify-full&{_PGX}",
    ),
    "dotenv": (
        f"DATABASE_URL='{_URL}sslmode=disable&gssencmode=disable'",
        f"DATABASE_URL='{_URL}sslmode=prefer&gssencmode=disable'",
        f"DATABASE_URL='{_URL}sslmode=require&gssencmode=disable'",
        f"DATABASE_URL='{_URL}{_ROOT}&sslmode=verify-ca&gssencmode=disable'",
        f"DATABASE_URL='{_URL}{_ROOT}&sslmode=verify-full&gssencmode=disable'",
    ),
    "uri": tuple(
        f"{BASE}?hostaddr=&sslmode={level.sslmode}&sslrootcert="
        f"{'/etc/pki/app%20ca.pem' if level >= TlsLevel.VERIFY_CA else '/dev/null/absent'}"
        f"&{_PINNED.format(empty='&sslpassword=', empties='&ssl_max_protocol_version=', peer='&requirepeer=')}&options="
        for level in TlsLevel
    ),  # type: ignore[dict-item] # mypy does not count levels
    "sqlalchemy": tuple(
        f"{BASE.replace(':', '+psycopg:', 1)}?sslmode={level.sslmode}&sslrootcert="
        f"{'/etc/pki/app%20ca.pem' if level >= TlsLevel.VERIFY_CA else '/dev/null/absent'}"
        f"&{_PINNED.format(empty='', empties='', peer='')}"
        "&conninfo=hostaddr%3D%27%27%20sslpassword%3D%27%27%20ssl_max_protocol_version%3D%27%27%20requirepeer%3D%27%27%20options%3D%27%27"
        for level in TlsLevel
    ),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("level", TlsLevel)
@pytest.mark.parametrize("name", TABLE)
def test_levels(queries: dict[TlsLevel, str], name: FormatName, level: TlsLevel) -> None:
    connection = secured(queries[level])
    assert connection.tls.level == level
    due = TABLE[name][level.rank]
    if due.startswith("REFUSED"):
        assert refusals(connection, name) == [due.removeprefix("REFUSED ")]
    else:
        assert render(connection, name, ca=CA) == f"{due}\n"


def refusals(connection: SecuredConnection, name: FormatName) -> list[str]:
    """Return the messages of a refusal, which all have one code and name the variable."""
    with pytest.raises(ConfigurationError) as caught:
        render(connection, name, ca=CA)
    assert {(problem.code, problem.variable) for problem in caught.value.problems} == {
        ("export-unsupported", "DATABASE_URL")
    }
    assert "s3cret" not in str(caught.value)
    return [problem.message for problem in caught.value.problems]


def test_every_format_is_named_once() -> None:
    assert tuple(FORMATS) == get_args(FormatName) == tuple(sorted(FORMATS))


DRIVERS: tuple[FormatName, ...] = ("asyncpg", "jdbc", "prisma", "node-postgres", "npgsql", "pgx")

# Stated in the URL; then for each driver what becomes of it, or that it is refused by name.
PARAMETERS: list[tuple[str, tuple[str, ...]]] = [
    ("application_name=my%20app", ("application_name=my%20app", "ApplicationName=my%20app", "application_name=my%20app",
     "application_name=my%20app", 'Application Name="my app"', "application_name=my%20app")),
    ("connect_timeout=7", ("-", "connectTimeout=7", "connect_timeout=7", "-", "Timeout=7", "connect_timeout=7")),
    ("options=-c%20a%3Db", ("options=-c%20a%3Db", "options=-c%20a%3Db", "options=-c%20a%3Db", "options=-c%20a%3Db",
     'Options="-c a=b"', "options=-c%20a%3Db")),
    ("channel_binding=require", ("-", "-", "channel_binding=require", "-", "Channel Binding=require", "-")),
    ("passfile=/p", ("passfile=/p", "-", "-", "-", "Passfile=/p", "passfile=/p")),
    ("target_session_attrs=primary",
     ("target_session_attrs=primary", "-", "-", "-", "-", "target_session_attrs=primary")),
    ("fallback_application_name=f", ("-", "-", "-", "fallback_application_name=f", "-", "-")),
    ("require_auth=scram-sha-256", ("-",) * 6),
    *((f"{name}=1", ("-",) * 6) for name in ("keepalives_idle", "tcp_user_timeout",
      "replication", "oauth_scope", "scram_client_key")),
    *((f"{name}=1", (f"{name}=1", *("-",) * 5)) for name in ("krbsrvname", "client_encoding", "gsslib")),
    ("sslsni=0", ("-", "-", "-", "-", "-", "sslsni=0")),
    ("sslcertmode=require", ("-",) * 6),
    ("ssl_min_protocol_version=TLSv1.3", ("ssl_min_protocol_version=TLSv1.3", *("-",) * 5)),
    ("ssl_max_protocol_version=TLSv1.2", ("ssl_max_protocol_version=TLSv1.2", *("-",) * 5)),
    ("load_balance_hosts=random", ("-",) * 6),
    # Nothing is lost where nothing is asked for, or the connection is made another way and is as good.
    *((f"{pair}", ("",) * 6) for pair in ("keepalives=1", "gssencmode=prefer", "target_session_attrs=any",
      "sslnegotiation=direct", "client_encoding=UTF8", "channel_binding=disable")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "name", "due"),
    [(stated, name, due) for stated, row in PARAMETERS for name, due in zip(DRIVERS, row, strict=True)],
)
def test_parameters(stated: str, name: FormatName, due: str) -> None:
    connection = secured(f"?sslmode=require&{stated}")
    if due == "-":
        (message,) = refusals(connection, name)
        assert message.split()[1:4] == ["does", "not", "support"]
        assert message.split()[4].rstrip(".") == stated.partition("=")[0]
    else:
        assert due in render(connection, name, ca=CA)


def test_verification_does_not_replace_channel_binding(queries: dict[TlsLevel, str]) -> None:
    (message,) = refusals(secured(f"{queries[TlsLevel.VERIFY_FULL]}&channel_binding=require"), "jdbc")
    assert "does not support channel_binding" in message


def test_all_missing_parts_are_reported_at_once() -> None:
    connection = secured("?sslmode=require&replication=1&hostaddr=10.0.0.1,10.0.0.2", "a.example,b.example")
    assert [message.partition(".")[0] for message in refusals(connection, "prisma")] == [
        "Prisma does not support replication",
        "Prisma does not support several hosts",
        "Prisma does not support hostaddr",
        "Prisma does not support hostaddr",
    ]


CERTIFICATE = {"node-postgres": "sslcert={0}&sslkey={1}", "npgsql": "SSL Certificate={0};SSL Key={1}"}


@pytest.mark.parametrize("name", DRIVERS)
def test_client_certificate(certificates: Certificates, name: FormatName) -> None:
    chain, key = certificates.good.chain, certificates.good.key
    connection = secured(f"?sslmode=require&sslcert={chain}&sslkey={key}")
    if name in {"jdbc", "prisma"}:
        assert [message.split()[4] for message in refusals(connection, name)] == ["sslcert.", "sslkey."]
    else:
        shape = CERTIFICATE.get(name, "sslcert={0}&sslkey={1}")
        assert shape.format(chain, key) in render(connection, name)


PLACES: dict[str, tuple[str, dict[FormatName, str]]] = {
    "several": (
        "a.example:1,b.example:2",
        {
            "asyncpg": "//app:s3cret@/shop?host=a.example%2Cb.example&port=1%2C2&",
            "jdbc": "//a.example:1,b.example:2/shop?",
            "npgsql": "Host=a.example:1,b.example:2;Database=shop;",
            "pgx": "//app:s3cret@/shop?host=a.example%2Cb.example&port=1%2C2&",
            "sqlalchemy": "//app:s3cret@/shop?host=a.example%2Cb.example&port=1%2C2&",
            "uri": "@a.example:1,b.example:2/shop?",
        },
    ),
    "socket": (
        "%2Frun%2Fpg:5433",
        {
            "asyncpg": "//app:s3cret@/shop?host=/run/pg&port=5433&",
            "npgsql": "Host=/run/pg;Port=5433;",
            "pgx": "@localhost:5433/shop?host=/run/pg&",
            "node-postgres": "@localhost:5433/shop?host=/run/pg&",
            "prisma": "@localhost:5433/shop?host=/run/pg&",
            "sqlalchemy": "//app:s3cret@/shop?host=/run/pg&port=5433&",
            "uri": "@%2Frun%2Fpg:5433/shop?",
        },
    ),
    "abstract": ("%40pg", {"uri": "@%40pg:5432/shop?", "sqlalchemy": "//app:s3cret@/shop?host=%40pg&port=5432&"}),
    "ipv6": (
        "[2001:db8::1]:1",
        {
            "asyncpg": "@[2001:db8::1]:1/shop",
            "jdbc": "//[2001:db8::1]:1/shop",
            "npgsql": "Host=2001:db8::1;Port=1;",
            "pgx": "@[2001:db8::1]:1/shop",
            "node-postgres": "@[2001:db8::1]:1/shop",
            "prisma": "@[2001:db8::1]:1/shop",
            "sqlalchemy": "@[2001:db8::1]:1/shop",
            "uri": "@[2001:db8::1]:1/shop",
        },
    ),
    "zone": (
        "[fe80::1%25eth0]:1",
        {"uri": "@[fe80::1%25eth0]:1/shop", "sqlalchemy": "//app:s3cret@/shop?host=fe80%3A%3A1%25eth0&port=1&"},
    ),
}


@pytest.mark.parametrize("name", [*DRIVERS, "sqlalchemy", "uri"])
@pytest.mark.parametrize("place", PLACES)
def test_places(place: str, name: FormatName) -> None:
    where, due = PLACES[place]
    connection = envconn.secure(envconn.parse(f"postgresql://app:s3cret@{where}/shop", "DATABASE_URL"))
    if name in due:
        assert due[name] in render(connection, name)
    else:
        (message,) = refusals(connection, name)
        assert ("several hosts" if place == "several" else "zone" if place == "zone" else "unix sockets") in message


def test_an_address_has_no_name_that_node_postgres_would_check(certificates: Certificates) -> None:
    for place in ("10.0.0.1", "[2001:db8::1]"):
        full = secured(f"?sslmode=verify-full&sslrootcert={certificates.ca}", place)
        assert "verifies localhost" in refusals(full, "node-postgres")[0]
        assert place in render(secured("?sslmode=require", place), "node-postgres")


NO_PASSWORD: dict[FormatName, str] = {
    "asyncpg": "//app@db.example:5432/",
    "jdbc": "?user=app&sslmode=",
    "npgsql": ";Username=app;SSL Mode=",
    "pgx": "//app@db.example:5432/",
    "node-postgres": "//app@db.example:5432/",
    "prisma": "//app@db.example:5432/",
    "sqlalchemy": "//app@db.example:5432/",
    "conninfo": "user=app dbname=shop",
    "kubernetes": 'DATABASE_USER: "app"\n  DATABASE_SSLMODE',
}


@pytest.mark.parametrize("name", NO_PASSWORD)
def test_a_missing_password_is_not_an_empty_one(name: FormatName) -> None:
    connection = envconn.secure(envconn.parse("postgresql://app@db.example/shop"))
    assert NO_PASSWORD[name] in render(connection, name)


NAMES = {
    "plain-1.0": (*DRIVERS, "sqlalchemy"),
    "a b%": ("asyncpg", "jdbc", "node-postgres", "npgsql", "pgx", "sqlalchemy"),
    "\u00fc'\"\\": ("asyncpg", "jdbc", "node-postgres", "npgsql", "pgx", "sqlalchemy"),
    "a/b?c#d": ("asyncpg", "jdbc", "npgsql", "pgx", "sqlalchemy"),
    "..": ("asyncpg", "jdbc", "npgsql", "pgx", "sqlalchemy"),
    "/a": ("asyncpg", "jdbc", "npgsql", "sqlalchemy"),
}


@pytest.mark.parametrize("name", [*DRIVERS, "sqlalchemy"])
@pytest.mark.parametrize("dbname", NAMES)
def test_names_of_databases(dbname: str, name: FormatName) -> None:
    from urllib.parse import quote, unquote

    url = f"postgresql://app:s3cret@db.example/{quote(dbname, safe='')}"
    connection = envconn.secure(envconn.parse(url, "DATABASE_URL"))
    if name in NAMES[dbname]:
        assert dbname.replace('"', '""' if name == "npgsql" else '"') in unquote(render(connection, name))
    else:
        assert "not support this database name" in refusals(connection, name)[0]


# What keeps statements from being prepared behind a pooler that does not track them, or nothing.
POOLED: dict[FormatName, str] = {
    "jdbc": "&prepareThreshold=0",
    "prisma": "&pgbouncer=true",
    "npgsql": ";No Reset On Close=true",
    "pgx": "&default_query_exec_mode=exec",
    "sqlalchemy": "postgresql+psycopg2://",
}


@pytest.mark.parametrize("name", POOLED)
def test_poolers(name: FormatName) -> None:
    assert POOLED[name] in render(secured("?sslmode=require", ENVCONN_POOL_MODE="transaction"), name)
    assert POOLED[name] not in render(secured("?sslmode=require"), name)


def test_a_dsn_of_asyncpg_has_no_place_for_a_pooler() -> None:
    (message,) = refusals(secured("?sslmode=require", ENVCONN_POOL_MODE="transaction"), "asyncpg")
    assert "cannot turn off asyncpg's prepared statements" in message
    assert "sslmode=require" in render(secured("?sslmode=require", ENVCONN_POOL_MODE="session"), "asyncpg")


def test_pgx_may_have_the_simple_protocol_instead() -> None:
    pooled = secured("?default_query_exec_mode=simple_protocol", ENVCONN_POOL_MODE="transaction")
    assert render(pooled, "pgx").endswith("&default_query_exec_mode=simple_protocol\n")
    pooled = secured("?default_query_exec_mode=cache_statement", ENVCONN_POOL_MODE="transaction")
    assert render(pooled, "pgx").endswith("&default_query_exec_mode=exec\n")


def test_pgjdbcs_own_word_does_not_undo_that() -> None:
    stated = "?sslmode=require&prepareThreshold=3&currentSchema=s"
    assert "&currentSchema=s&prepareThreshold=3" in render(secured(stated), "jdbc")
    pooled = render(secured(stated.replace("=s", "=public"), ENVCONN_POOL_MODE="transaction"), "jdbc")
    assert ("prepareThreshold=0" in pooled, "prepareThreshold=3" in pooled) == (True, False)


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("prisma", "connection_limit=5&pool_timeout=0&schema=s&socket_timeout=9"),
        ("pgx", "pool_max_conns=5&pool_min_conns=1&default_query_exec_mode=describe_exec"),
    ],
)
def test_words_that_a_driver_puts_into_urls_itself(name: FormatName, stated: str) -> None:
    connection = secured(f"?sslmode=require&{stated}")
    assert set(stated.split("&")) <= set(render(connection, name).rstrip("'\n").split("&"))
    assert "pool_" not in render(connection, "jdbc")


def test_prisma_is_given_the_direct_endpoint() -> None:
    host = "ep-cool-darkness-123456{}.us-east-2.aws.neon.tech"
    url = f"postgresql://app:s3cret@{host.format('-pooler')}/shop?sslmode=require"
    pooled, direct = render(envconn.load({"DATABASE_URL": url}, env_file=None).database, "prisma").splitlines()
    assert pooled.startswith(f"DATABASE_URL='postgresql://app:s3cret@{host.format('-pooler')}:5432/shop?")
    assert direct.startswith(f"DIRECT_URL='postgresql://app:s3cret@{host.format('')}:5432/shop?")


def test_prisma_reads_one_certificate(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = certificates.ca.with_name("two.pem")
    bundle.write_bytes(certificates.ca.read_bytes() + certificates.other_ca.read_bytes())
    assert "only the first certificate" in refusals(secured(f"?sslmode=verify-full&sslrootcert={bundle}"), "prisma")[0]
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    text = render(secured("?sslrootcert=system"), "prisma")
    assert text == f"DATABASE_URL='{BASE}?sslmode=require&sslaccept=strict'\n", "the system's CAs are there anyway"


@pytest.mark.parametrize("driver", ["asyncpg", "pg8000"])
def test_sqlalchemys_url_cannot_hold_what_some_drivers_need(driver: str) -> None:
    assert f"the TLS settings of {driver}" in refusals(secured(scheme=f"postgresql+{driver}"), "sqlalchemy")[0]


def test_sqlalchemys_driver() -> None:
    assert render(secured(scheme="postgresql+psycopg2"), "sqlalchemy").startswith("postgresql+psycopg2:")
    assert "&dsn=hostaddr" in render(secured(scheme="postgresql+psycopg2"), "sqlalchemy")
    assert render(secured(scheme="postgresql+psycopg_async"), "sqlalchemy").startswith("postgresql+psycopg:")
    pooled = secured(scheme="postgresql+psycopg", ENVCONN_POOL_MODE="transaction")
    assert "psycopg's prepared statements" in refusals(pooled, "sqlalchemy")[0]


def others() -> Iterator[SecuredConnection]:
    for url in (
        "rediss://:s3cret@cache.example/0",
        "amqps://app:s3cret@mq.example/v",
        "mysql://app:s3cret@db.example/d",
    ):
        yield envconn.secure(envconn.parse(url, "DATABASE_URL"), Policy(ca="system"))
    yield envconn.secure(envconn.parse("sqlite:////d/s3cret.db", "DATABASE_URL"))


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"dotenv", "kubernetes", "uri"}))
def test_formats_of_postgresql(name: FormatName) -> None:
    for connection in others():
        (message,) = refusals(connection, name)
        assert message.startswith(f"holds a {connection.family} connection, but ")
        assert message.endswith("requires a PostgreSQL one. Export uri instead")
    if name == "pg":
        with pytest.raises(ConfigurationError, match="requires a PostgreSQL one"):
            environment(connection, ca=CA)


def test_forged_and_unknown() -> None:
    connection = envconn.parse(BASE)
    with pytest.raises(TypeError, match="SecuredConnection"):
        render(connection, "jdbc")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="SecuredConnection"):
        environment(connection)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name must be one of"):
        render(secured(), "odbc")  # type: ignore[arg-type]
