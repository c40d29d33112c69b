"""docs/from-dj-database-url.md and docs/from-django-environ.md: each row, with both libraries on one environment."""

from __future__ import annotations

import os
import runpy
import warnings
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dj_database_url
import environ
import pytest

import envconn
import envconn_django
from envconn.grammar.libpq_keywords import KEYWORDS
from other_url_libraries import ABSENT, DJ_DATABASE_URL, DJANGO_ENVIRON, URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from other_url_libraries import Row, Table
    from throwaway.certificates import Certificates

ROWS = [
    pytest.param(table, row, id=f"{table.library} {row.theirs}")
    for table in (DJ_DATABASE_URL, DJANGO_ENVIRON)
    for rows in table.sections.values()
    for row in rows
]
THEIRS: dict[str, object] = {"config": dj_database_url.config, "parse": dj_database_url.parse, "environ": environ}
OURS: dict[str, object] = {"databases": envconn_django.databases, "caches": envconn_django.caches, "envconn": envconn}
OURS["BASE_DIR"] = Path()
UNSTATED = {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "DISABLE_SERVER_SIDE_CURSORS": False}
"""What Django does where an entry does not say it."""
WRITTEN_OUT = {*KEYWORDS, "ssl", "password", "pool_class", "ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs"}
"""The options that an entry of ours has in addition."""


@pytest.mark.parametrize(("table", "row"), ROWS)
def test_a_row(
    table: Table, row: Row, monkeypatch: pytest.MonkeyPatch, certificates: Certificates, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text(URL, encoding="utf-8")
    Path(".env").write_text(row.env_file, encoding="utf-8")
    files = {"{ca}": str(certificates.ca), "{file}": str(tmp_path / "url")}
    for name, value in {"DATABASE_URL": row.url, **row.environ}.items():
        if value:
            monkeypatch.setenv(name, filled(value, files))
    # Else it would write to the process environment.
    monkeypatch.setattr(environ.Env, "ENVIRON", dict(os.environ))
    ours = row.ours or (row.here if "(" in row.here else table.ours)
    if row.gives is not None:
        theirs = their_entry(table, row)
        assert {name: theirs[name] for name in row.gives} == row.gives
        assert bool(theirs) is bool(row.gives)
    if row.refused:
        with pytest.raises(envconn.ConfigurationError) as caught:
            eval(ours, OURS)  # noqa: S307 - our own
        assert row.refused in {each.code for each in caught.value.problems}
        return
    theirs = their_entry(table, row)
    entry = eval(ours, OURS)["default"]  # noqa: S307
    assert differences(theirs, entry) == {name: filled(value, files) for name, value in row.differs.items()}
    assert entry.get("OPTIONS", {}).get("sslmode", "") == row.level
    assert {*entry.get("OPTIONS", {})} - {*theirs.get("OPTIONS", {})} <= WRITTEN_OUT


def their_entry(table: Table, row: Row) -> Mapping[str, Any]:
    call = row.call or (row.theirs if "(" in row.theirs else table.call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Mapping[str, Any] = eval(call, {**THEIRS, "env": environ.Env()})  # noqa: S307 - our own
    return found


def filled(value: Any, files: Mapping[str, str]) -> Any:
    """Return `value` with the paths of `files` in its texts."""
    if isinstance(value, dict):
        return {name: filled(each, files) for name, each in value.items()}
    for name, path in files.items() if isinstance(value, str) else ():
        value = value.replace(name, path)
    return value


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, object]:
    """Return what `ours` has instead of what `theirs` has, options included; what it adds to these is not in it."""
    found: dict[str, object] = {
        name: ours.get(name, ABSENT)
        for name in (theirs.keys() | ours.keys()) - {"OPTIONS"}
        if as_text(theirs, name) != as_text(ours, name)
    }
    options = ours.get("OPTIONS") or {}
    for name, value in (theirs.get("OPTIONS") or {}).items():
        if type(options.get(name)) is not type(value) or options[name] != value:
            found[f"OPTIONS.{name}"] = options.get(name, ABSENT)
    return found


def as_text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name, UNSTATED.get(name))
    return "" if value in ({}, "", None) and name != "CONN_MAX_AGE" else str(value)


@pytest.mark.checkout
@pytest.mark.parametrize("table", [DJ_DATABASE_URL, DJANGO_ENVIRON], ids=lambda table: table.library)
def test_the_page_is_the_one_that_the_table_makes(checkout: Path, table: Table) -> None:
    text = (checkout / "docs" / f"from-{table.library}.md").read_text(encoding="utf-8")
    script = runpy.run_path(str(checkout / "docs" / "frameworks.py"))
    assert script["moving_page"](table, text) == text, "run tests/pages"


@pytest.mark.checkout
@pytest.mark.parametrize("table", [DJ_DATABASE_URL, DJANGO_ENVIRON], ids=lambda table: table.library)
def test_the_settings_of_the_page(checkout: Path, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    found: dict[str, Any] = {"__file__": str(Path("shop/settings.py").absolute()), "INSTALLED_APPS": ["shop"]}
    code = (checkout / "docs" / f"from-{table.library}.md").read_text(encoding="utf-8").split("```")[1]
    exec(code.removeprefix("python\n"), found)  # noqa: S102 - our own
    assert found["DATABASES"]["default"]["HOST"] == "db.example.com"
    assert found["INSTALLED_APPS"] == ["envconn_django", "shop"]


@pytest.mark.checkout
def test_every_scheme_of_theirs_is_in_a_table() -> None:
    for table, schemes in (
        (DJ_DATABASE_URL, dj_database_url.ENGINE_SCHEMES),
        (DJANGO_ENVIRON, environ.Env.DB_SCHEMES),
        (DJANGO_ENVIRON, environ.Env.CACHE_SCHEMES),
    ):
        urls = [url for rows in table.sections.values() for row in rows for url in (row.url, *row.environ.values())]
        missing = {scheme for scheme in schemes if not any(url.startswith(f"{scheme}:") for url in urls)}
        assert missing <= {"valkey"}  # as redis://


@pytest.mark.checkout
def test_every_argument_of_theirs_is_in_a_table() -> None:
    text = " ".join(row.theirs for rows in DJ_DATABASE_URL.sections.values() for row in rows)
    names = {*signature(dj_database_url.config).parameters}
    assert {name for name in names if f"{name}=" not in text} == set()
    parameters = " ".join(row.theirs.upper() for row in DJANGO_ENVIRON.sections["Parameters of the URL"])
    assert {name for name in environ.Env._DB_BASE_OPTIONS if name not in parameters} == set()
