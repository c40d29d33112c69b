"""Arguments of a driver that a program made are read as the connection that it opens, and judged as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import envconn
from envconn.drivers import connection_from_arguments, libpq
from envconn.rotation.reload import weakened
from envconn.services import secure_as_stated

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

HERE = "DATABASES['own']"
REMOTE = {"host": "db.example.com", "user": "app", "password": "marker password'\\", "dbname": "shop"}


def judged(words: dict[str, Any], like: envconn.SecuredConnection | None = None) -> envconn.SecuredConnection:
    return secure_as_stated(connection_from_arguments.postgresql(words, HERE), like)


def refusal(words: dict[str, Any], like: envconn.SecuredConnection | None = None) -> str:
    with pytest.raises(envconn.ConfigurationError) as caught:
        judged(words, like)
    assert "marker" not in str(caught.value)
    assert {problem.variable for problem in caught.value.problems} == {HERE}
    return min(problem.code for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ({**REMOTE, "sslmode": "require", "port": 5433, "connect_timeout": 3}, "encrypted"),
        ({**REMOTE, "sslmode": "require", "hostaddr": "", "sslrootcert": "/dev/null/absent"}, "encrypted"),
        ({**REMOTE, "host": "localhost"}, "opportunistic"),
        ({**REMOTE, "host": "127.0.0.1", "sslmode": "disable"}, "none"),
        ({**REMOTE, "host": "/tmp"}, "none"),  # noqa: S108
        ({"dbname": "shop"}, "none"),  # the default socket
        ({**REMOTE, "hostaddr": "127.0.0.1"}, "opportunistic"),
        ({**REMOTE, "host": None}, "none"),
    ],
)
def test_what_is_secured(words: dict[str, Any], level: str) -> None:
    assert str(judged(words).tls.level) == level


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (REMOTE, "tls-below-minimum"),
        ({**REMOTE, "sslmode": "prefer"}, "tls-below-minimum"),
        ({**REMOTE, "sslmode": "allow"}, "tls-below-minimum"),
        ({**REMOTE, "sslmode": "disable"}, "tls-disabled"),
        ({**REMOTE, "host": "localhost,db.example.com"}, "tls-below-minimum"),
        ({**REMOTE, "host": "localhost", "hostaddr": "192.0.2.1"}, "tls-below-minimum"),
        ({"hostaddr": "192.0.2.1"}, "hostaddr-alone"),
        ({**REMOTE, "sslmode": "verify-full"}, "ca-missing"),
        ({**REMOTE, "sslmode": "require", "service": "other"}, "parameter-refused"),
        ({**REMOTE, "sslmode": "require", "sslkeylogfile": "/x"}, "parameter-refused"),
        ({**REMOTE, "sslmode": "require", "gssencmode": "require"}, "value-refused"),
        ({**REMOTE, "sslmode": "require", "conninfo": "sslmode=disable"}, "argument-refused"),
        ({**REMOTE, "sslmode": "require", "dsn": "sslmode=disable"}, "argument-refused"),
        ({**REMOTE, "sslmode": "require", "connection_factory": print}, "argument-refused"),
        ({**REMOTE, "sslmode": "require", "kwargs": {}}, "argument-refused"),
        ({**REMOTE, "sslmode": "require", "unknown": 1}, "parameter-unknown"),
    ],
)
def test_what_is_refused(words: dict[str, Any], code: str) -> None:
    assert refusal(words) == code


@pytest.mark.parametrize(
    ("variables", "words", "code"),
    [
        ({"PGSSLMODE": "require"}, REMOTE, None),  # libpq reads it, too
        ({"PGSSLMODE": "disable"}, {**REMOTE, "sslmode": "require"}, None),
        ({"PGHOST": "db.example.com"}, {"dbname": "shop"}, "tls-below-minimum"),
        ({"PGHOSTADDR": "192.0.2.1"}, {**REMOTE, "host": "localhost"}, "tls-below-minimum"),
        ({"PGHOSTADDR": "192.0.2.1"}, {**REMOTE, "host": "localhost", "hostaddr": ""}, None),
        ({"PGSERVICE": "other"}, {**REMOTE, "sslmode": "require"}, "parameter-refused"),
        ({"PGREQUIREAUTH": "scram-sha-256"}, {**REMOTE, "sslmode": "require"}, None),
        (
            {"PGREQUIREAUTH": "scram-sha-256"},
            {**REMOTE, "sslmode": "require", "require_auth": "md5,scram-sha-256"},
            "tls-below-minimum",
        ),
        ({"ENVCONN_TLS_WAIVE": "db.example.com"}, REMOTE, None),
        ({"ENVCONN_TLS": "verify-full"}, {**REMOTE, "sslmode": "require"}, "ca-missing"),
        ({"ENVCONN_TLS_LOCAL": "enforce"}, {**REMOTE, "host": "localhost"}, "tls-below-minimum"),
        ({"ENVCONN_TLS": "unknown"}, {**REMOTE, "sslmode": "require"}, "policy-unknown"),
    ],
)
def test_what_the_environment_adds(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: dict[str, Any], code: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if code is None:
        judged(words)
        return
    with pytest.raises(envconn.ConfigurationError) as caught:
        judged(words)
    assert caught.value.problems[0].code == code


def test_a_ca_of_the_policy_is_not_the_drivers(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    monkeypatch.setenv("ENVCONN_TLS_CA", str(certificates.ca))
    assert str(judged({**REMOTE, "sslmode": "require"}).tls.level) == "encrypted"
    assert refusal({**REMOTE, "sslmode": "verify-full"}) == "ca-missing"


def test_the_default_root_certificate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificates: Certificates
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".postgresql"
    folder.mkdir()
    (folder / "root.crt").write_bytes(certificates.ca.read_bytes())
    assert str(judged({**REMOTE, "sslmode": "verify-full"}).tls.level) == "verify-full"
    assert refusal({**REMOTE, "sslmode": "verify-full", "sslrootcert": "/absent/root.crt"}) == "ca-missing"


def test_the_policy_of_another_connection() -> None:
    policy = envconn.Policy(waive=["db.example.com"])
    like = envconn.load({"DATABASE_URL": "postgresql://a@h.example.com/d"}, env_file=None, policy=policy).database
    assert judged(REMOTE, like).tls.waived == "db.example.com"
    strict = envconn.load({"DATABASE_URL": "sqlite://"}, env_file=None, policy=envconn.Policy(local="enforce")).database
    assert refusal({**REMOTE, "host": "localhost"}, strict) == "tls-below-minimum"


@pytest.mark.parametrize(
    "query", ["", "sslmode=require", "sslmode=require&channel_binding=require", "sslmode=require&require_auth=md5"]
)
@pytest.mark.parametrize("version", [13_00_00, 16_00_00, 18_00_00])
def test_our_own_arguments_mean_the_connection_that_they_are_made_of(query: str, version: int) -> None:
    connection = envconn.secure(f"postgresql://app:pw@db.example.com:5433/shop?{query}")
    try:
        words = libpq.arguments(connection, version)
    except envconn.ConfigurationError:
        assert "require_auth" in query
        return
    found = judged({**words})
    assert (found.tls.level, found.hosts, found.user, found.dbname, found.password) == (
        *(connection.tls.level, connection.hosts, connection.user, connection.dbname, connection.password),
    )
    assert weakened({"a": connection}, {"a": found}) == []


MYSQL = {"host": "db.example.com", "user": "app", "password": "marker", "database": "shop"}


def of_mysql(words: dict[str, Any]) -> str:
    """Return the level, or the code of the first problem."""
    try:
        connection = secure_as_stated(connection_from_arguments.mysql(words, HERE))
        connection_from_arguments.require_enforced(connection, words)
    except envconn.ConfigurationError as error:
        return "leaks" if "marker" in str(error) else error.problems[0].code
    return str(connection.tls.level)


def test_mysql(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    monkeypatch.setattr("envconn.drivers.mysql._installed", lambda _: "pymysql")
    ca, both = str(certificates.ca), {"verify_mode": "required", "check_hostname": True}
    found = {
        "nothing": of_mysql(MYSQL),
        "empty": of_mysql({**MYSQL, "ssl": {}}),
        "ca": of_mysql({**MYSQL, "ssl": {"ca": ca}}),
        "written out": of_mysql({**MYSQL, "ssl": {"ca": ca, **both}}),
        "no name": of_mysql({**MYSQL, "ssl": {"ca": ca, "check_hostname": False}}),
        "no check": of_mysql({**MYSQL, "ssl": {"ca": ca, "verify_mode": "none"}}),
        "unknown": of_mysql({**MYSQL, "ssl": {"ca": ca, "capath": "/x"}}),
        "a flag": of_mysql({**MYSQL, "ssl": True}),
        "mysqlclient's": of_mysql({**MYSQL, "ssl_mode": "REQUIRED"}),
        "disabled": of_mysql({**MYSQL, "ssl_disabled": True}),
        "a file": of_mysql({**MYSQL, "ssl": {"ca": ca}, "read_default_file": "/x"}),
        "a group": of_mysql({**MYSQL, "ssl": {"ca": ca}, "read_default_group": "x"}),
    }
    assert found == {
        "nothing": "tls-below-minimum",
        "empty": "tls-below-minimum",
        "ca": "verify-full",
        "written out": "verify-full",
        "no name": "verify-ca",
        "no check": "driver-unsupported",
        "unknown": "driver-unsupported",
        "a flag": "argument-refused",
        "mysqlclient's": "driver-unsupported",
        "disabled": "tls-disabled",
        "a file": "argument-refused",
        "a group": "argument-refused",
    }


def test_mysql_on_this_machine() -> None:
    places: list[dict[str, Any]] = [{"host": "127.0.0.1", "port": 3307}, {"host": "::1"}, {"db": "shop"}, {}]
    for place in [*places, {"unix_socket": "/run/mysqld.sock"}]:
        words = {"user": "app", "init_command": "set sql_mode = ''", **place}
        assert secure_as_stated(connection_from_arguments.mysql(words, HERE)).tls.local


@pytest.mark.parametrize("variable", ["PGHOSTADDR", "PGHOST", "PGSSLMODE"])
def test_a_server_of_another_kind_is_not_moved_by_libpqs_variables(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "127.0.0.1" if "HOST" in variable else "verify-full")
    with pytest.raises(envconn.ConfigurationError):
        secure_as_stated(connection_from_arguments.unencrypted("ora.example.com", HERE))
    assert secure_as_stated(connection_from_arguments.unencrypted("127.0.0.1", HERE)).tls.local
