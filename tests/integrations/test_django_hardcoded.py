"""Credentials in the settings that did not come from the environment: the warning names their line, and no value."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from envconn_django.hardcoded import hardcoded

if TYPE_CHECKING:
    from pathlib import Path

    from project import Project

URI = "postgresql://app:marker-password@db.example.com/shop?sslmode=require"
SETTINGS = """
import os
OPTIONS = {"sslmode": "verify-full", "sslrootcert": "system"}
OWN = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "USER": "x", "HOST": "own.example", "OPTIONS": OPTIONS}
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}

DATABASES["literal"] = {**OWN, "PASSWORD": "hard-coded"}
DATABASES["computed"] = {**OWN, "PASSWORD": "hard-" + chr(99)}
DATABASES["variable"] = {**OWN, "PASSWORD": os.environ["X"]}
DATABASES["same"] = {**OWN, "PASSWORD": DATABASES["default"]["PASSWORD"]}
DATABASES["local"] = {**OWN, "HOST": "localhost", "PASSWORD": "hard-coded"}
DATABASES["file"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x", "PASSWORD": "hard-coded"}
DATABASES["default"]["OPTIONS"]["application_name"] = "told"

CACHES["literal"] = {**REDIS, "LOCATION": "rediss://:hard%2Din%2Durl@h/0"}
CACHES["several"] = {**REDIS, "LOCATION": ["rediss://h/0", "rediss://:hard-listed@h/0"]}
CACHES["variable"] = {**REDIS, "LOCATION": os.environ["Y"]}
CACHES["without"] = {**REDIS, "LOCATION": "rediss://h/0"}
"""


def test_checked(project: Project) -> None:
    project.settings(SETTINGS)
    text = (project.directory / "tested.py").read_text(encoding="utf-8").splitlines()
    variables = {"X": "an-other/one", "Y": "rediss://:an-other%2Fone@h/0", "CACHE_URL": "rediss://:in-the-cache@h/1"}
    done = project.manage("check", DATABASE_URL=URI, ENVCONN_TLS_LOCAL="allow", **variables)
    assert done.returncode == 0, done.stdout
    told = r"\(envconn.credentials-in-settings\) (.*): the credentials are in (.*), and not in the environment"
    assert dict(re.findall(told, done.stdout)) == {
        "DATABASES['literal']": f"tested.py, line {1 + text.index(SETTINGS.splitlines()[6])}",
        "DATABASES['computed']": "the program",
        "CACHES['literal']": f"tested.py, line {1 + text.index(SETTINGS.splitlines()[14])}",
        "CACHES['several']": f"tested.py, line {1 + text.index(SETTINGS.splitlines()[15])}",
    }
    assert not re.search("hard-|hard%2D|marker|an-other|in-the-cache", done.stdout)


def test_a_project_without_any(project: Project) -> None:
    done = project.manage("check", DATABASE_URL=URI, CACHE_URL="rediss://:in-the-cache@h/1")
    assert "System check identified no issues" in done.stdout


def found(entry: dict[str, object], module: str = "json") -> list[str]:
    return [each.line for each in hardcoded({"own": entry}, "CACHES", [], module)]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"OPTIONS": {"password": "hard-coded"}}, ["the program"]),
        ({"OPTIONS": {"passwd": "hard-coded"}}, ["the program"]),
        ({"OPTIONS": None, "PASSWORD": "hard-coded"}, ["the program"]),
        ({"LOCATION": "redis://[:hard-coded@h"}, []),  # no URL
        ({"LOCATION": "/var/cache", "OPTIONS": {"password": ""}}, []),
        ({}, []),
    ],
)
def test_where_they_are(entry: dict[str, object], line: list[str]) -> None:
    assert found(entry) == line


@pytest.mark.parametrize(
    ("value", "password", "line"),
    [
        ("/root", "root", ["the program"]),
        ("en_US.UTF-8", "en", ["the program"]),
        ("root", "root", []),
        ("postgresql://app:root@h/app", "root", []),
        ("postgresql://app:p%40ss@h/app", "p@ss", []),
        ('{"password": "long-enough"}', "long-enough", []),
    ],
)
def test_a_password_that_is_in_a_value_by_chance(
    monkeypatch: pytest.MonkeyPatch, value: str, password: str, line: list[str]
) -> None:
    for name in os.environ:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOME_VARIABLE", value)
    assert found({"PASSWORD": password}) == line


def test_what_cannot_be_read_has_no_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    for name, text in (("__init__", ""), ("base", "\nKEY = 'hard-coded'\n"), ("live", "from shop.base import *\n")):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("shop.live")
    entry: dict[str, object] = {"PASSWORD": "hard-coded"}
    assert found(entry, "shop.live") == ["base.py, line 2"]
    assert found(entry, "shop.not_loaded") == ["base.py, line 2"]
    (package / "base.py").write_text("KEY = '", encoding="utf-8")
    assert found(entry, "shop.live") == ["the program"]
    (package / "base.py").unlink()
    assert found(entry, "shop.live") == ["the program"]
