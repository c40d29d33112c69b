"""envconn_django as settings modules meet it: before Django, without Django, and with a source of their own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

import envconn
import envconn_django
from envconn_django import caches, databases
from envconn_django.aliases import made_entries
from envconn_django.final_settings import final_entries, secured_entry

if TYPE_CHECKING:
    from collections.abc import Callable

URI = "postgresql://app:marker-password@db.example.com/shop?sslmode=require"
BAD = "postgresql://app:marker-password@db.example.com/shop?sslmode=disable"


def test_the_environment_is_read_when_no_source_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URI)
    monkeypatch.setenv("REDIS_URL", "rediss://:marker-password@h.example.com/2")
    assert databases()["default"]["HOST"] == "db.example.com"
    assert caches()["default"]["LOCATION"] == "rediss://h.example.com:6379/2"


def test_sources() -> None:
    services = envconn.load({"DATABASE_URL": URI, "ANALYTICS_DATABASE_URL": URI.replace("db.", "a.")}, env_file=None)
    assert databases(services).keys() == {"default", "analytics"}
    assert databases(services["analytics"])["default"]["HOST"] == "a.example.com"
    assert databases(services["analytics"]).keys() == {"default"}
    assert caches(services)["default"]["BACKEND"].endswith("LocMemCache")
    cache = envconn.load({"CACHE_URL": "rediss://h.example.com"}, env_file=None)["cache"]
    assert caches(cache)["default"]["LOCATION"] == "rediss://h.example.com:6379/0"


@pytest.mark.parametrize("function", [databases, caches])
def test_only_what_was_judged_is_taken(function: Callable[[Any], object]) -> None:
    for unjudged in (envconn.parse(URI), URI, object()):
        with pytest.raises((TypeError, AttributeError)) as refusal:
            function(unjudged)
        assert "marker" not in str(refusal.value)


def test_what_is_returned_may_be_changed() -> None:
    services = envconn.load({"DATABASE_URL": URI}, env_file=None)
    first = databases(services)
    first["default"]["OPTIONS"]["sslmode"] = "disable"
    assert made_entries["default"][-1].settings["OPTIONS"]["sslmode"] == "require"
    assert databases(services)["default"]["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize("function", [databases, caches])
def test_errors_are_djangos_and_ours(monkeypatch: pytest.MonkeyPatch, function: Callable[[], object]) -> None:
    monkeypatch.setenv(
        *(("DATABASE_URL", BAD) if function is databases else ("CACHE_URL", "redis://:marker@h.example.com"))
    )
    with pytest.raises(ImproperlyConfigured) as caught:
        function()
    assert isinstance(caught.value, envconn.ConfigurationError)
    assert [problem.code for problem in caught.value.problems] == ["tls-disabled"]
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "marker" not in repr(caught.value)


def test_two_errors_in_one_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", BAD)
    monkeypatch.setenv("CACHE_URL", "redis://:marker-password@h.example.com/0")
    with pytest.raises(ImproperlyConfigured) as caught:
        databases()
    assert str(caught.value).count("\n") == 1


def interrupted(_: float) -> None:
    raise KeyboardInterrupt


def changed(_: float) -> None:
    Path(".env").write_text("DATABASE_URL=sqlite:///x\n", encoding="utf-8")


def changed_elsewhere(_: float) -> None:
    Path("config.env").write_text("DATABASE_URL=sqlite:///x\n", encoding="utf-8")


def changed_after_chdir(_: float) -> None:
    """Change the file that was read, once, and go elsewhere."""
    assert Path.cwd().name != "elsewhere"
    Path("elsewhere").mkdir()
    changed(0)
    os.chdir("elsewhere")


@pytest.mark.parametrize(
    ("then", "code", "env_file"),
    [
        (interrupted, 0, ".env"),
        (changed, 3, ".env"),
        (changed_elsewhere, 3, "config.env"),
        (changed_after_chdir, 3, ".env"),
    ],
)
def test_runserver_waits_for_a_change(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    then: Callable[[float], None],
    code: int,
    env_file: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", BAD)
    monkeypatch.setenv("RUN_MAIN", "true")
    monkeypatch.setattr("time.sleep", then)
    Path("config.env").touch()
    with pytest.raises(SystemExit) as ended:
        databases(env_file=env_file)
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith("DATABASE_URL: sslmode=disable for a remote host")


def test_building(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_PHASE", "build")
    assert databases()["default"]["ENGINE"] == "envconn_django.dummy"
    databases()["default"]["OPTIONS"]["application_name"] = "told"
    assert databases()["default"]["OPTIONS"] == {}
    assert caches()["default"]["BACKEND"].endswith("LocMemCache")
    monkeypatch.setenv("REDIS_URL", "rediss://:marker-password@h.example.com/2")
    assert databases()["default"]["ENGINE"] == "envconn_django.dummy"
    monkeypatch.setenv("DATABASE_URL", URI)
    assert databases()["default"]["HOST"] == "db.example.com"


def test_no_default_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", URI)
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL: not set"):
        databases()


def alone(statement: str, **environ: str) -> Any:
    """Run `statement` where there is no Django, and return what it prints, read as JSON."""
    code = f"import json, sys; sys.modules['django'] = None\n{statement}"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_django() -> None:
    code = "from envconn_django import databases; print(json.dumps(databases()))"
    assert alone(code, DATABASE_URL=URI)["default"]["HOST"] == "db.example.com"


def test_errors_without_django() -> None:
    code = "import envconn_django\ntry: envconn_django.databases()\nexcept Exception as e: print(json.dumps(repr(e)))"
    assert alone(code, DATABASE_URL=BAD).startswith("ConfigurationError(")


def test_names_that_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        envconn_django.nothing_of_this_name  # noqa: B018
    assert set(envconn_django.__all__) <= set(dir(envconn_django)) | {"ReplicaRouter", "SafeExceptionReporterFilter"}


def test_without_django_the_error_is_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", BAD)
    monkeypatch.setitem(sys.modules, "django", None)  # Python's own way to say that there is none
    with pytest.raises(envconn.ConfigurationError) as caught:
        databases()
    assert type(caught.value) is envconn.ConfigurationError
    assert [problem.code for problem in caught.value.problems] == ["tls-disabled"]


def test_the_connection_of_an_entry() -> None:
    services = envconn.load({"DATABASE_URL": URI}, env_file=None)
    found = secured_entry(databases(services)["default"])
    assert (found.hosts, found.origin.variable) == (services.database.hosts, "DATABASE_URL")
    with pytest.raises(envconn.ConfigurationError, match="TLS is opportunistic"):
        secured_entry({"ENGINE": "django.db.backends.postgresql", "HOST": "db.example.com"})
    for engine in ("django.db.backends.sqlite3", "no.such.engine"):
        (final,) = final_entries({"x": {"ENGINE": engine, "HOST": "db.example.com"}})
        assert (final.connection, final.problems) == (None, ())


def test_a_backend_that_cannot_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle's server may be in NAME, without a HOST."""
    monkeypatch.delitem(made_entries, "default", raising=False)  # by whose policy it would be judged
    monkeypatch.setitem(sys.modules, "another", package := ModuleType("another"))
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "another.base", base := ModuleType("another.base"))
    base.DatabaseWrapper = type("Wrapper", (BaseDatabaseWrapper,), {"vendor": "oracle"})  # type: ignore[attr-defined]

    def problems(host: str = "", waiver: str = "") -> str:
        monkeypatch.setenv("ENVCONN_TLS_WAIVE", waiver)
        (final,) = final_entries({"x": {"ENGINE": "another", "NAME": "(DESCRIPTION=...)", "HOST": host}})
        assert final.waived == (waiver if "://" in waiver and not final.problems else None)
        return " ".join(each.message for each in final.problems)

    assert "Set ENVCONN_TLS_WAIVE to oracle:// if" in problems()
    assert "to oracle:// if" in problems(waiver="db.example.com")
    assert "to oracle:// if" in problems(waiver="db2://")
    assert problems(waiver="oracle://") == ""
    assert "to its host if" in problems("db.example.com")
    assert problems("db.example.com", waiver="db.example.com") == problems("localhost") == ""
    assert problems("db.example.com", waiver="oracle://") == ""
    assert "a scheme is one that envconn judges" in problems(waiver="postgresql://")


def test_the_source_of_logins_in_another_process() -> None:
    databases(envconn.load({"DATABASE_URL": URI}, env_file=None), rotate=True)
    databases(envconn.load({"DATABASE_URL": "sqlite://"}, env_file=None), rotate=True)
    entry = databases(envconn.load({"DATABASE_URL": URI}, env_file=None), rotate=True)["default"]
    copied = pickle.loads(pickle.dumps(entry))  # noqa: S301 - our own
    assert copied["ENVCONN"].connection is made_entries["default"][-1].connection
    assert "LoginSource default" in repr(copied)
