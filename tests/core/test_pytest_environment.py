"""The fixture envconn_environment: what is gone in it, what may be set, and that all of it is put back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import envconn
from envconn_pytest import IsolatedEnvironment, isolated
from leaks import MARKER, find, value_surfaces

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = f"postgresql://app:{MARKER}@localhost/shop"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def env(root: Path) -> Iterator[IsolatedEnvironment]:
    with isolated(root) as environment:
        yield environment


DECISIVE = (
    *("DATABASE_URL", "DATABASE_URL_FILE", "SCALINGO_POSTGRESQL_URL", "SCALINGO_REDIS_URL", "ANALYTICS_DATABASE_URL"),
    *("HEROKU_POSTGRESQL_AMBER_URL", "DATABASE_URL_REPLICA_1", "REDIS_URL", "CACHE_URL", "BROKER_URL", "CLOUDAMQP_URL"),
    *("POSTGRES_HOST", "DB_PASSWORD", "POSTGRESQL_USERNAME", "DATABASE_CA_CERT", "ENVCONN_TLS", "ENVCONN_TLS_WAIVE"),
    *("ENVCONN_PYTEST_ALLOW", "PGHOST", "PGSSLMODE", "PGSERVICEFILE", "PGPASSFILE", "PGSYSCONFDIR", "PGGSSLIB"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "database_url", "VCAP_SERVICES", "PLATFORM_RELATIONSHIPS"),
    *("SERVICE_BINDING_ROOT", "CREDENTIALS_DIRECTORY", "RDS_HOSTNAME", "POSTGRESQL_ADDON_HOST"),
)
HARMLESS = ("PATH", "LANG", "PYTHONPATH", "APP_DATABASE", "DJANGO_SETTINGS_MODULE", "PAGER", "UNRELATED_URL")


def test_what_decides_is_gone_and_comes_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*DECISIVE, *HARMLESS):
        monkeypatch.setenv(name, "as before")
    before = dict(os.environ)
    with isolated(root) as env:
        assert not env.keys() & set(DECISIVE)
        assert env.keys() >= set(HARMLESS)
        assert env.keys() == os.environ.keys()
        assert len(env) == len(os.environ)
    assert os.environ == before


def test_what_is_set_meanwhile_is_gone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("GONE", "1")
    monkeypatch.setenv("PGUSER", "me")
    before = dict(os.environ)
    with isolated(root) as env:
        env["DATABASE_URL"] = env["PGUSER"] = env["OWN"] = env["PATH"] = "/"
        env["PATH"] = "/again"
        del env["GONE"]
        env.pop("OWN")
        env.update({"REDIS_URL": "redis://localhost"}, CACHE_URL="redis://localhost")
        os.environ["ANALYTICS_DATABASE_URL"] = URL  # as load_dotenv() in the application does
        os.environ["PGHOST"] = "localhost"
    assert os.environ == before


def test_everything_comes_back_after_a_failure(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    before, place = dict(os.environ), Path.cwd()
    with pytest.raises(ZeroDivisionError), isolated(root) as env:
        env.update(DATABASE_URL="other", HOME=str(1 / 0))
    assert dict(os.environ) == before
    assert Path.cwd() == place


def test_home_and_directory_are_empty(env: IsolatedEnvironment) -> None:
    assert Path.home() == env.home
    assert Path.cwd() == env.directory
    assert [*env.home.iterdir(), *env.directory.iterdir()] == []


def test_a_directory_that_the_test_has_removed(root: Path) -> None:
    place = Path.cwd()
    with isolated(root) as env:
        env.directory.rmdir()
    assert Path.cwd() == place


def test_load(env: IsolatedEnvironment) -> None:
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
        env.load()
    env["DATABASE_URL"] = URL
    assert env.load().database.host == "localhost"
    assert env.load(policy=envconn.Policy(local="enforce")).database.tls.level == envconn.TlsLevel.ENCRYPTED
    del env["DATABASE_URL"]
    (env.directory / ".env").write_text("DATABASE_URL=postgresql://app@127.0.0.1/file\n", encoding="utf-8")
    assert env.load().database.dbname == "file"


@pytest.mark.parametrize("name", ["DATABASE_URL", "GONE", ""])
def test_names_that_are_not_set(env: IsolatedEnvironment, name: str) -> None:
    assert name not in env
    assert env.get(name) is None
    with pytest.raises(KeyError):
        env[name]
    with pytest.raises(KeyError):
        del env[name]


@pytest.mark.parametrize(("name", "value"), [("A=B", "x"), ("", "x"), ("A", "x\0y"), ("A\0", "x")])
def test_what_no_environment_can_hold(root: Path, name: str, value: str) -> None:
    before = dict(os.environ)
    with isolated(root) as env, pytest.raises((ValueError, OSError)):
        env[name] = value
    assert os.environ == before


def test_nothing_is_shown(env: IsolatedEnvironment) -> None:
    assert repr(env) == "<IsolatedEnvironment: nothing set>"
    env["DATABASE_URL"] = env["PGPASSWORD"] = URL
    assert repr(env) == "<IsolatedEnvironment: DATABASE_URL, PGPASSWORD>"
    shown = {way: text for way, text in value_surfaces(env).items() if way != "dict"}
    assert not find(MARKER, shown)


def test_as_a_fixture(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    pytester.makepyfile(
        """
        import os
        import envconn
        from envconn_pytest import sample

        def test_first(envconn_environment):
            assert "DATABASE_URL" not in os.environ
            envconn_environment.update(sample("scalingo"))
            assert envconn_environment.load().database.provider == "scalingo"
            os.environ["DATABASE_REPLICA_URL"] = "left behind"

        def test_after(monkeypatch):
            assert os.environ["DATABASE_URL"].startswith("postgresql://app:")
            assert "DATABASE_REPLICA_URL" not in os.environ and "SCALINGO_POSTGRESQL_URL" not in os.environ

        def test_beside_monkeypatch(envconn_environment, monkeypatch):
            monkeypatch.setenv("DATABASE_URL", "postgresql://app@localhost/patched")
            monkeypatch.setenv("HOME", "/")
            assert envconn_environment.load().database.dbname == "patched"

        def test_after_both():
            test_after(None)

        def test_that_fails(envconn_environment):
            envconn_environment["DATABASE_URL"] = os.environ["HOME"] = "Zq7xWv9kJb3"
            assert envconn_environment == 1
        """
    )
    done = pytester.runpytest_inprocess("-p", "envconn_pytest", "--showlocals")
    done.assert_outcomes(passed=4, failed=1)
    assert MARKER not in done.stdout.str().partition("envconn_environment = ")[2].partition("\n")[0]
    assert os.environ["DATABASE_URL"] == URL
