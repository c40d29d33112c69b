"""Which driver is used, the message if there is none, and a driver that misbehaves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg_binary
import pytest

import envconn
from envconn.drivers import libpq as arguments
from envconn.probe.login import libpq, log_in
from logins import DRIVERS, MARKER, Staffed, alone, codes, decent, judged, noted, staffed, tried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab import Lab
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured


@pytest.fixture(scope="module")
def own(certificates: Certificates) -> Iterator[Staffed]:
    with staffed(certificates) as server:
        yield server


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make packages as good as not installed."""

    def hidden(*packages: str) -> None:
        for package in packages:
            monkeypatch.setitem(sys.modules, package, None)  # what importlib takes for absent
            monkeypatch.delitem(sys.modules, f"envconn.probe.login.{package}", raising=False)

    return hidden


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_first_that_is_installed(own: Staffed, driver: str, hide: Callable[..., None]) -> None:
    hide(*DRIVERS[: DRIVERS.index(driver)])
    outcome = tried(own.uri())
    assert noted(outcome) == []
    assert outcome.login
    assert outcome.login.driver == driver


MISSING = {
    "postgresql://app:secret@127.0.0.1/app": (DRIVERS, "'envconn[psycopg]'"),
    "postgresql+asyncpg://app:secret@127.0.0.1/app": (("asyncpg",), "'envconn[asyncpg]'"),
    "redis://:secret@127.0.0.1/0": (("redis",), "'envconn[redis]'"),
    "amqp://app:secret@127.0.0.1/": (("amqp",), "'envconn[celery]'"),
    "mysql://app:secret@127.0.0.1/app": (("pymysql", "MySQLdb"), "'envconn[pymysql]'"),
}


@pytest.mark.parametrize("uri", MISSING)
def test_none_is_installed(uri: str, hide: Callable[..., None]) -> None:
    packages, extra = MISSING[uri]
    hide(*packages)
    outcome = tried(uri)
    assert codes(outcome) == ["driver-missing"]
    assert f"pip install {extra}" in outcome.problems[0].message


def test_one_that_is_installed_and_does_not_work(own: Staffed) -> None:
    # The implementation in C is not installed, and no other may be taken.
    assert alone(own.uri(driver="psycopg"), PSYCOPG_IMPL="c") == ["driver-missing"]


def test_psycopg_in_pure_python(own: Staffed) -> None:
    [library] = Path(psycopg_binary.__path__[0]).parent.glob("psycopg_binary.libs/libpq*.so*")
    code = f"import ctypes.util; ctypes.util.find_library = lambda name: {str(library)!r}"
    assert alone(own.uri(driver="psycopg"), code=code, PSYCOPG_IMPL="python") == ["psycopg", own.server.version]
    wrong = own.uri(driver="psycopg", password="wrong")
    assert alone(wrong, code=code, PSYCOPG_IMPL="python") == ["password-refused"]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_libpq_that_keeps_the_sqlstate_to_itself(own: Staffed, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libpq, "tell_sqlstate", lambda *_: False)
    assert codes(tried(own.uri(driver=driver, password="wrong"))) == ["login-refused"]
    assert noted(tried(own.uri(driver=driver))) == []


@pytest.mark.parametrize("library", ["/absent.so", sys.modules["_ctypes"].__file__])
def test_no_libpq(library: str) -> None:
    assert libpq.tell_sqlstate(library, None) is False


@pytest.mark.parametrize("driver", ["asyncpg", "pg8000"])
def test_a_driver_that_lacks_what_is_required(driver: str) -> None:
    outcome = tried(f"postgresql+{driver}://app:{MARKER}@127.0.0.1/app?sslmode=require&channel_binding=require")
    assert codes(outcome) == ["driver-missing"]
    assert f"{driver} does not support channel_binding" in outcome.problems[0].message


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_file_that_breaks_before_the_login(certificates: Certificates, tmp_path: Path, driver: str) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates.ca.read_bytes())
    uri = f"postgresql+{driver}://app:{MARKER}@127.0.0.1/app?sslmode=verify-full&sslrootcert={ca}"
    connection = judged(uri)
    ca.write_text("no longer", encoding="ascii")
    outcome = decent(log_in(connection, timeout=5))
    assert codes(outcome) == ["client-files-unusable"]
    assert outcome.problems[0].exit_code == 78


def test_one_that_goes_without_tls(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = arguments.arguments

    def betrayed(connection: envconn.SecuredConnection, version: int) -> arguments.Arguments:
        return {**asked(connection, version), "sslmode": "disable"}

    monkeypatch.setattr(arguments, "arguments", betrayed)
    for driver in ("psycopg", "psycopg2"):
        uri = lab["both"].uri(sslmode="require").replace("postgresql:", f"postgresql+{driver}:")
        assert codes(tried(uri)) == ["tls-not-in-use"]


def test_a_family_without_a_login() -> None:
    assert log_in(judged("sqlite:///db.sqlite3"), timeout=1) == (None, (), ())


def test_an_unjudged_connection() -> None:
    with pytest.raises(TypeError):
        log_in(envconn.parse("postgresql://app@db.example.com/app", "DATABASE_URL"), timeout=1)  # type: ignore[arg-type]


def test_an_error_in_our_own_code_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr("envconn.probe.login.postgresql.log_in", broken)
    with pytest.raises(KeyError):
        log_in(judged("postgresql://app@127.0.0.1/app"), timeout=5)


def test_a_server_that_keeps_something_to_itself(certificates: Certificates) -> None:
    with staffed(certificates) as own:
        own.administer("revoke select on pg_catalog.pg_stat_activity from public")
        for driver in DRIVERS:
            outcome = decent(log_in(judged(own.uri(driver=driver)), timeout=20))
            assert noted(outcome) == []
            assert outcome.login
            assert outcome.login.connections is None
            assert outcome.login.max_connections == 30
            assert outcome.login.pooled is False
