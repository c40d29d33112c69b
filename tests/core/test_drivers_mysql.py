"""What the MySQL drivers are given, and what PyMySQL does with it."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
import sys
import threading
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import aiomysql
import asyncmy
import pymysql
import pytest

import envconn
from envconn.drivers import mysql, mysql_asyncio, sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from throwaway.certificates import Certificates

Driver = Literal["MySQLdb", "pymysql"]
WAIVED = {"ENVCONN_TLS_WAIVE": "db.example.com"}


def load(query: str, host: str = "db.example.com", **environ: str) -> envconn.SecuredConnection:
    uri = f"mysql://app:marker-password@{host}/shop?{query}"
    return envconn.load({"DATABASE_URL": uri, **environ}, env_file=None).database


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """State how mysqlclient is built, which has no wheels; with MySQL's library unless a test says so."""

    def build(own: tuple[int, int] = (2, 3), library: str = "9.4.0") -> None:
        module = SimpleNamespace(__name__="MySQLdb", version_info=own, get_client_info=lambda: library)
        monkeypatch.setitem(sys.modules, "MySQLdb", module)

    build()
    return build


@pytest.mark.parametrize(
    ("query", "mysqldb", "theirs"),
    [
        ("", {"ssl_mode": "REQUIRED"}, {"ssl": {"check_hostname": False, "verify_mode": "none"}}),
        (
            "ssl-mode=VERIFY_CA&ssl-ca={ca}",
            {"ssl_mode": "VERIFY_CA", "ssl": {"ca": "{ca}"}},
            {"ssl": {"ca": "{ca}", "check_hostname": False, "verify_mode": "required"}},
        ),
        (
            "ssl-mode=VERIFY_IDENTITY&ssl-ca={ca}&ssl-cert={chain}&ssl-key={key}",
            {"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": "{ca}", "cert": "{chain}", "key": "{key}"}},
            {
                "ssl": {
                    "ca": "{ca}",
                    "cert": "{chain}",
                    "key": "{key}",
                    "check_hostname": True,
                    "verify_mode": "required",
                }
            },
        ),
    ],
)
def test_tls(certificates: Certificates, query: str, mysqldb: dict[str, object], theirs: dict[str, object]) -> None:
    names = {"ca": certificates.ca, "chain": certificates.good.chain, "key": certificates.good.key}
    judged = load(query.format_map(names))
    assert mysql.arguments(judged, "MySQLdb") == filled(mysqldb, names)
    assert mysql.arguments(judged, "pymysql") == filled(theirs, names)


def filled(value: object, names: Mapping[str, object]) -> object:
    if isinstance(value, dict):
        return {name: filled(each, names) for name, each in value.items()}
    return value.format_map(names) if isinstance(value, str) else value


def test_unencrypted_that_was_waived() -> None:
    judged = load("ssl-mode=DISABLED", **WAIVED)
    assert mysql.arguments(judged, "MySQLdb") == {"ssl_mode": "DISABLED"}
    assert mysql.arguments(judged, "pymysql") == {"ssl_disabled": True}
    judged = load("ssl-mode=PREFERRED", **WAIVED)
    assert mysql.arguments(judged, "MySQLdb") == {"ssl_mode": "PREFERRED"}
    assert mysql.arguments(judged, "pymysql") == {}


MARIADB = ["3.3.19", "3.4.11", "10.3.39"]
VERIFIED = "ssl-mode=VERIFY_IDENTITY&ssl-ca={ca}"


@pytest.mark.parametrize("library", MARIADB)
def test_mariadbs_library_verifies_fully_or_not_at_all(
    built: Callable[..., None], certificates: Certificates, library: str
) -> None:
    """tests/live/test_mysqlclient.py has tried what stands here."""
    built((2, 2), library)
    ca = str(certificates.ca)
    verified = {"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": ca}}
    assert mysql.arguments(load(VERIFIED.format(ca=ca)), "MySQLdb") == verified
    assert mysql.arguments(load("ssl-mode=DISABLED", **WAIVED), "MySQLdb") == {"ssl_mode": "DISABLED"}
    assert mysql.arguments(load("ssl-mode=PREFERRED", **WAIVED), "MySQLdb") == {"ssl_mode": "REQUIRED"}


@pytest.mark.parametrize(
    ("own", "library", "query", "host", "message"),
    [
        *(((2, 2), library, "", "db.example.com", "connects without TLS") for library in MARIADB),
        *(
            ((2, 3), library, "ssl-mode=VERIFY_CA&ssl-ca={ca}", "db.example.com", "does not support VERIFY_CA")
            for library in MARIADB
        ),
        ((2, 3), "3.4.11", VERIFIED, "127.0.0.1", "does not verify a loopback address"),
        ((2, 3), "3.4.11", VERIFIED, "[::1]", "does not verify a loopback address"),
        ((2, 3), "3.3.19", VERIFIED, "localhost", "a unix socket for localhost"),
        ((2, 3), "9.4.0", VERIFIED, "localhost", "a unix socket for localhost"),
        ((2, 3), "13.1.0", "", "db.example.com", "connects without TLS"),
        ((2, 1), "3.3.19", VERIFIED, "db.example.com", r"before 2\.2 connects without TLS"),
        ((1, 4), "3.3.19", VERIFIED, "db.example.com", r"before 2\.2 connects without TLS"),
        ((1, 4), "8.0.40", VERIFIED, "db.example.com", r"before 2\.2 connects without TLS"),
    ],
)
def test_what_mysqlclient_cannot_hold(
    built: Callable[..., None],
    certificates: Certificates,
    own: tuple[int, int],
    library: str,
    query: str,
    host: str,
    message: str,
) -> None:
    built(own, library)
    judged = load(query.format(ca=certificates.ca), host)
    with pytest.raises(envconn.ConfigurationError, match=message):
        mysql.arguments(judged, "MySQLdb")


def test_a_loopback_address_that_is_verified(built: Callable[..., None], certificates: Certificates) -> None:
    for library in ("3.3.19", "8.4.6"):
        built((2, 2), library)
        judged = load(VERIFIED.format(ca=certificates.ca), "127.0.0.1")
        assert mysql.arguments(judged, "MySQLdb")["ssl_mode"] == "VERIFY_IDENTITY"


@pytest.mark.parametrize(("own", "library"), [((2, 1), "3.3.19"), ((1, 4), "8.0.40")])
def test_an_old_version_gets_no_ssl_mode(built: Callable[..., None], own: tuple[int, int], library: str) -> None:
    built(own, library)
    for query in ("ssl-mode=DISABLED", "ssl-mode=PREFERRED"):
        assert mysql.arguments(load(query, **WAIVED), "MySQLdb") == {}


def test_for_a_library_that_is_not_known(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    """What is returned is correct with either library."""
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    judged = load(VERIFIED.format(ca=certificates.ca))
    assert mysql.arguments(judged, "MySQLdb")["ssl_mode"] == "VERIFY_IDENTITY"
    with pytest.raises(envconn.ConfigurationError, match="may use MariaDB"):
        mysql.arguments(load(""), "MySQLdb")


def test_names_and_types() -> None:
    found = mysql.arguments(load("charset=utf8mb4&read_timeout=3&autocommit=true"), "MySQLdb")
    assert found == {"charset": "utf8mb4", "read_timeout": 3, "autocommit": True, "ssl_mode": "REQUIRED"}


@pytest.mark.parametrize(("driver", "expected"), [("MySQLdb", "ssl_mode"), ("pymysql", "ssl"), ("", None)])
def test_the_driver_that_is_installed(monkeypatch: pytest.MonkeyPatch, driver: str, expected: str | None) -> None:
    if driver != "MySQLdb":
        monkeypatch.delitem(sys.modules, "MySQLdb")
    monkeypatch.setattr(mysql, "find_spec", lambda name: name == driver or None)
    if expected:
        assert expected in mysql.arguments(load(""))
    else:
        with pytest.raises(envconn.ConfigurationError, match="neither mysqlclient nor PyMySQL"):
            mysql.arguments(load(""))


def test_pymysql_under_the_name_of_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", pymysql)
    assert "ssl_mode" not in mysql.arguments(load(""))


def test_a_pymysql_that_would_continue_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", SimpleNamespace(VERSION=(1, 1, 2, "final")))
    with pytest.raises(envconn.ConfigurationError, match=r"before 1\.2 connects without TLS"):
        mysql.arguments(load(""), "pymysql")


def test_a_password_that_pymysql_cannot_send() -> None:
    connection = envconn.load(
        {"DATABASE_URL": "mysql://app:gr%C3%B6%C3%9Fe@db.example.com/shop"}, env_file=None
    ).database
    with pytest.raises(envconn.ConfigurationError, match="does not support this password"):
        mysql.arguments(connection, "pymysql")
    assert mysql.arguments(connection, "MySQLdb")["ssl_mode"] == "REQUIRED"


def test_what_is_refused(certificates: Certificates) -> None:
    with pytest.raises(envconn.ConfigurationError, match="do not support sslcrl"):
        mysql.arguments(load(f"ssl-mode=VERIFY_CA&ssl-ca={certificates.ca}&ssl-crl={certificates.ca}"), "MySQLdb")
    with pytest.raises(envconn.ConfigurationError, match="MySQL requires a mysql one"):
        mysql.arguments(envconn.load({"DATABASE_URL": "sqlite://"}, env_file=None).database, "MySQLdb")
    with pytest.raises(envconn.ConfigurationError, match="sqlite3 requires a sqlite one"):
        sqlite.arguments(load(""))


def greeting(*, tls: bool) -> bytes:
    """Return the packet with which MySQL 8 greets."""
    flags = 0x0200 | 0x8 | (0x8800 if tls else 0)
    text = b"\x0a8.0.0\0" + struct.pack("<I", 1) + b"saltsalt\0" + struct.pack("<HBHH", flags, 255, 0, 0x8)
    text += b"\x15" + b"\0" * 10 + b"saltsaltsalt\0" + b"mysql_native_password\0"
    return struct.pack("<I", len(text))[:3] + b"\0" + text


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection in a thread, and yield the port."""

    def accept(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.fixture
def without_tls() -> Iterator[tuple[int, list[bytes]]]:
    """A server that greets as one without TLS does, and keeps what the client says then."""
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.sendall(greeting(tls=False))
        heard.append(connection.recv(4096))

    with serving(serve) as port:
        yield port, heard


@pytest.fixture
def with_tls(certificates: Certificates) -> Iterator[tuple[int, list[bytes]]]:
    """A server with TLS that accepts every login and statement, and keeps them."""
    heard: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.chain, certificates.good.key)

    def serve(connection: socket.socket) -> None:
        connection.sendall(greeting(tls=True))
        connection.recv(36)  # the request for TLS
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
            while (said := encrypted.recv(4096)) and said[4:] != b"\x01":
                heard.append(said)
                encrypted.sendall(b"\7\0\0" + bytes([said[3] + 1]) + b"\0\0\0\2\0\0\0")

    with serving(serve) as port:
        yield port, heard


def by_pymysql(connection: envconn.SecuredConnection, **place: Any) -> None:
    pymysql.connect(**place, database="shop", **mysql.arguments(connection, "pymysql")).close()


def by_aiomysql(connection: envconn.SecuredConnection, **place: Any) -> None:
    encrypted = connection.tls.level >= envconn.TlsLevel.ENCRYPTED
    connect = mysql_asyncio.connect if encrypted else aiomysql.connect
    asyncio.run(connected(connect, connection, "aiomysql", place))


def by_asyncmy(connection: envconn.SecuredConnection, **place: Any) -> None:
    asyncio.run(connected(asyncmy.connect, connection, "asyncmy", place))


async def connected(connect: Any, connection: envconn.SecuredConnection, driver: Any, place: dict[str, Any]) -> None:
    opened = await connect(**{**mysql_asyncio.arguments(connection, driver), **place})
    await opened.ensure_closed()


@pytest.mark.parametrize(("query", "disabled"), [("", False), ("ssl-mode=DISABLED", True)])
@pytest.mark.parametrize("by", [by_pymysql, by_aiomysql, by_asyncmy])
def test_nothing_is_sent_unencrypted(
    without_tls: tuple[int, list[bytes]], by: Callable[..., None], query: str, *, disabled: bool
) -> None:
    """asyncmy starts TLS all the same, before it names the user."""
    port, heard = without_tls
    connection = load(query, **(WAIVED if disabled else {}))
    with pytest.raises((pymysql.OperationalError, asyncmy.errors.OperationalError, OSError)):
        by(connection, host="127.0.0.1", port=port, user="marker-user", password="x")
    for _ in range(50):
        if heard:
            break
        threading.Event().wait(0.1)
    assert (b"marker-user" in heard[0]) is disabled


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("by", [by_pymysql, by_aiomysql, by_asyncmy])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sockets, where the handshake fails
def test_a_login_over_tls(
    with_tls: tuple[int, list[bytes]], by: Callable[..., None], certificates: Certificates, *, trusted: bool
) -> None:
    port, heard = with_tls
    connection = load(VERIFIED.format(ca=certificates.ca if trusted else certificates.other_ca))
    place = {"host": "localhost", "port": port, "user": "marker-user", "password": "x"}
    if trusted:
        by(connection, **place)
        assert b"marker-user" in heard[0]
    else:
        with pytest.raises((pymysql.OperationalError, asyncmy.errors.OperationalError, OSError)):
            by(connection, **place)
        assert heard == []
    gc.collect()


@pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"])
def test_in_coroutines(certificates: Certificates, driver: Literal["aiomysql", "asyncmy"]) -> None:
    """They are given a context, which honours what the others refuse, such as a revocation list."""
    verified = f"ssl-mode=VERIFY_IDENTITY&ssl-ca={certificates.ca}&ssl-crl={certificates.ca}&charset=utf8mb4"
    found = mysql_asyncio.arguments(load(verified), driver)
    assert (found["host"], found["port"], found["db"], found["charset"]) == ("db.example.com", 3306, "shop", "utf8mb4")
    assert (found["ssl"].check_hostname, found["ssl"].verify_mode) == (True, ssl.CERT_REQUIRED)
    assert found["ssl"].verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN
    assert "marker-password" not in repr(found)
    required = mysql_asyncio.arguments(load(""), driver)["ssl"]
    assert (required.check_hostname, required.verify_mode) == (False, ssl.CERT_NONE)
    assert "ssl" not in mysql_asyncio.arguments(load("ssl-mode=DISABLED", **WAIVED), driver)
    assert ("ssl" in mysql_asyncio.arguments(load("ssl-mode=PREFERRED", **WAIVED), driver)) is (driver == "aiomysql")
    socket = load("unix_socket=/run/mysqld/mysqld.sock", host="")
    assert mysql_asyncio.arguments(socket, driver)["unix_socket"] == "/run/mysqld/mysqld.sock"


@pytest.mark.parametrize(
    ("driver", "query", "message"),
    [
        ("aiomysql", "read_timeout=3", "aiomysql does not support read_timeout"),
        ("aiomysql", "collation=utf8mb4_bin", "aiomysql does not support collation"),
        ("asyncmy", "write_timeout=3", "asyncmy does not support write_timeout"),
        ("asyncmy", "collation=utf8mb4_bin", "asyncmy does not support collation"),
        *((driver, None, f"{driver} does not support this password") for driver in ("aiomysql", "asyncmy")),
    ],
)
def test_what_is_refused_in_coroutines(driver: Literal["aiomysql", "asyncmy"], query: str | None, message: str) -> None:
    password = "größe" if query is None else "marker-password"
    uri = f"mysql://app:{quote(password)}@db.example.com/shop?{query or ''}"
    connection = envconn.load({"DATABASE_URL": uri}, env_file=None).database
    with pytest.raises(envconn.ConfigurationError, match=message):
        mysql_asyncio.arguments(connection, driver)


def test_an_aiomysql_that_cannot_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later version may have another name for what is overridden: then nothing is sent."""
    mysql_asyncio._insisting.cache_clear()
    monkeypatch.delattr(aiomysql.Connection, "_get_server_information")
    with pytest.raises(AttributeError):
        by_aiomysql(load(""), host="127.0.0.1", port=1, user="app", password="x")
