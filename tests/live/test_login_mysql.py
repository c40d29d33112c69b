"""Log in to a real MariaDB through PyMySQL, and what its errors mean. For mysqlclient see test_mysqlclient."""

from __future__ import annotations

import gc
import socket
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from pymysql import err

from envconn.drivers import mysql as arguments
from envconn.probe import FAULTS
from envconn.probe.login import log_in
from envconn.probe.login import mysql as login
from envconn.probe.proof import Login
from logins import MARKER, codes, decent, judged, noted, tried

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mysqlserver import MySQL
    from servers import States
    from throwaway.certificates import Certificates

STAFF = (
    f"create or replace user stranger@'%' identified by '{MARKER}'",
    f"create or replace user locked@'%' identified by '{MARKER}' account lock",
    f"create or replace user elsewhere@'192.0.2.1' identified by '{MARKER}'",
    f"create or replace user busy@'%' identified by '{MARKER}' with max_user_connections 1",
    "grant all on shop.* to busy@'%'",
)


def uri(server: MySQL, certificates: Certificates, user: str = "", dbname: str = "", **more: str) -> str:
    """Return the address of `server` for the owner, or another `user`, at the highest level."""
    text = server.uri(**{"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": str(certificates.ca), **more})
    if user:
        text = text.replace(f"{server.user}:{server.password}@", f"{user}:{MARKER}@")
    return text.replace(f"/{server.dbname}?", f"/{dbname or server.dbname}?")


@pytest.fixture(scope="module")
def server(mysql: States[MySQL]) -> Iterator[MySQL]:
    administer(mysql["good"], *STAFF)
    yield mysql["good"]
    administer(mysql["good"], "set global read_only = 0")


def administer(server: MySQL, *statements: str) -> None:
    with closing(opened(server, server.user, server.password)) as session, session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def opened(server: MySQL, user: str, password: str) -> Any:
    tls = {"ssl": {"check_hostname": False, "verify_mode": "none"}} if server.tls else {}
    return pymysql.connect(host="localhost", port=server.port, user=user, password=password, **tls)


def test_a_login(server: MySQL, certificates: Certificates) -> None:
    outcome = tried(uri(server, certificates))
    assert noted(outcome) == []
    found = outcome.login
    assert found
    assert (found.driver, found.user, found.dbname) == ("pymysql", "app", "shop")
    assert (found.read_only, found.tls) == (False, True)
    assert found.server_version
    assert "MariaDB" in found.server_version


@pytest.mark.parametrize("scheme", ["mysql+pymysql", "mysql+aiomysql", "mariadb"])
def test_one_that_cannot_wait_is_not_used(server: MySQL, certificates: Certificates, scheme: str) -> None:
    outcome = tried(uri(server, certificates).replace("mysql://", f"{scheme}://"))
    assert outcome.login
    assert outcome.login.driver == "pymysql"


def test_without_tls(mysql: States[MySQL]) -> None:
    outcome = tried(mysql["plain"].uri())
    assert outcome.login
    assert outcome.login.tls is False
    assert codes(tried(mysql["plain"].uri(**{"ssl-mode": "REQUIRED"}))) == ["tls-failed"]


@pytest.mark.parametrize(
    ("user", "dbname", "code"),
    [
        ("app", "", "password-refused"),
        ("nobody", "", "password-refused"),
        ("elsewhere", "", "password-refused"),
        ("stranger", "", "permission-denied"),
        ("locked", "", "login-refused"),
        ("", "absent", "database-absent"),
    ],
)
def test_refused(server: MySQL, certificates: Certificates, user: str, dbname: str, code: str) -> None:
    outcome = tried(uri(server, certificates, user, dbname))
    assert codes(outcome) == [code]
    assert outcome.problems[0].exit_code == 77


def test_no_password(server: MySQL, certificates: Certificates) -> None:
    outcome = tried(uri(server, certificates).replace(f":{server.password}@", "@"))
    assert codes(outcome) == ["password-refused"]
    assert "has no password" in outcome.problems[0].message


def test_full(server: MySQL, certificates: Certificates) -> None:
    with closing(opened(server, "busy", MARKER)):
        outcome = tried(uri(server, certificates, "busy"))
    assert (codes(outcome), outcome.problems[0].exit_code) == (["server-full"], 69)


@pytest.mark.parametrize("state", ["wronghost", "expired", "unknownca"])
def test_a_certificate_that_changed(mysql: States[MySQL], certificates: Certificates, state: str) -> None:
    assert codes(tried(uri(mysql[state], certificates))) == ["tls-failed"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyMySQL's socket, not closed
def test_no_server() -> None:
    assert codes(tried(f"mysql://app:{MARKER}@127.0.0.1:1/shop")) == ["connection-refused"]
    assert codes(tried("mysql://app@/shop?unix_socket=/nowhere/at/all")) == ["host-unreachable"]
    gc.collect()


def test_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"mysql://app:{MARKER}@127.0.0.1:{listener.getsockname()[1]}/shop"
        assert codes(tried(address, timeout=1)) == ["timed-out"]


def test_reading_and_writing(server: MySQL, certificates: Certificates) -> None:
    text = uri(server, certificates)
    replica = text.replace("@localhost", "@127.0.0.1").replace("VERIFY_IDENTITY", "VERIFY_CA")
    found = judged(text, DATABASE_REPLICA_URL=replica).siblings
    assert [noted(decent(log_in(each, timeout=10))) for each in found] == [["replica-is-primary"]]
    administer(server, "set global read_only = 1")
    assert noted(tried(text)) == ["primary-is-read-only"]


def test_a_driver_that_goes_without_tls(mysql: States[MySQL], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "arguments", lambda *_: {"ssl_disabled": True})
    assert codes(tried(mysql["plain"].uri(**{"ssl-mode": "REQUIRED"}))) == ["tls-not-in-use"]


def chained(number: int, cause: BaseException) -> Exception:
    error = Exception(number, "can't connect")
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *((err.OperationalError(number, MARKER), code) for number, code in login._BY_NUMBER.items()),
        (chained(2003, ssl.SSLError()), "tls-failed"),
        (chained(2003, TimeoutError()), "timed-out"),
        (chained(2003, socket.gaierror()), "host-unresolved"),
        (err.OperationalError(2002, "by mysqlclient"), "host-unreachable"),
        (err.OperationalError(9999, MARKER), "protocol-unexpected"),
        (RuntimeError("'cryptography' package is required"), "login-method-unsupported"),
        (err.InternalError(), "protocol-unexpected"),
    ],
)
def test_errors(error: Exception, code: str) -> None:
    found = login._why(error)
    assert found.code == code
    assert found.code in FAULTS


def test_a_proxy_that_answers_in_part() -> None:
    class Cursor:
        def execute(self, query: str) -> None:
            if "version" not in query:
                raise err.ProgrammingError(1064, "not supported")

        def fetchone(self) -> tuple[str]:
            return ("8.0-proxy",)

        def close(self) -> None:
            """Nothing is open."""

    class Raw:
        cursor = Cursor

    connection = judged(f"mysql://app:{MARKER}@127.0.0.1/shop")
    assert login._converse(connection, "mysqldb", Raw()) == Login("mysqldb", "app", None, "8.0-proxy")


def test_a_file_that_breaks_before_the_login(certificates: Certificates, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates.ca.read_bytes())
    connection = judged(f"mysql://app:{MARKER}@127.0.0.1/shop?ssl-mode=VERIFY_CA&ssl-ca={ca}")
    ca.write_text("no longer", encoding="ascii")
    assert codes(decent(log_in(connection, timeout=5))) == ["client-files-unusable"]
