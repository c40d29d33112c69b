"""Celery's texts for the store of results: each form that is read, and each that is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery.app.backends import BACKEND_ALIASES, by_url

import envconn
from envconn.connection import Connection, Origin, Secret
from envconn.grammar.celery import read
from envconn.records import replace

if TYPE_CHECKING:
    from envconn.errors import Finding

ORIGIN = Origin("CELERY_RESULT_BACKEND")


def read_text(text: str) -> Connection | tuple[Finding, ...]:
    return read(Secret(text), ORIGIN)


@pytest.mark.parametrize(
    ("text", "family", "scheme", "dbname"),
    [
        ("rpc://", "celery", "rpc", "rpc://"),
        ("rpc", "celery", "rpc", "rpc"),
        (" disabled\n", "celery", "disabled", "disabled"),
        ("django-db", "celery", "django-db", "django-db"),
        ("django-cache", "celery", "django-cache", "django-cache"),
        ("cache+memory://", "celery", "cache+memory", "cache+memory://"),
        ("file:///srv/results", "celery", "file", "file:///srv/results"),
        ("db+sqlite:///results.db", "sqlite", "sqlite", "results.db"),
        ("db+postgresql://u:p@h/d", "postgresql", "postgresql", "d"),
        ("db+postgresql+psycopg://u:p@h/d", "postgresql", "postgresql+psycopg", "d"),
        ("postgresql://u:p@h/d", "postgresql", "postgresql", "d"),
        ("db+mysql://u:p@h/d", "mysql", "mysql", "d"),
        ("rediss://:p@h/1", "redis", "rediss", "1"),
        ("redis://:p@h/1?virtual_host=1", "redis", "redis", "1"),
        ("sentinel://:p@h1;sentinel://:p@h2", "sentinel", "sentinel", "0"),
        ("host=h user=u dbname=d", "postgresql", "", "d"),
    ],
)
def test_read(text: str, family: str, scheme: str, dbname: str) -> None:
    found = read_text(text)
    assert isinstance(found, Connection)
    assert (found.family, found.scheme, found.dbname, found.origin) == (family, scheme, dbname, ORIGIN)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((name, "results-unsupported") for name in sorted({*BACKEND_ALIASES} - {"rpc", "disabled"})),
        *((f"{name}://u:marker@h", "results-unsupported") for name in ("mongodb", "s3", "cache", "elasticsearch")),
        ("cache+memcached://h", "results-unsupported"),
        ("elasticsearch+https://u:marker@h", "results-unsupported"),
        ("cassandra", "results-unsupported"),
        ("celery.backends.redis:RedisBackend", "results-unsupported"),
        ("my.backends.Own", "results-unsupported"),
        ("rpc://elsewhere", "scheme-unknown"),
        ("disabled://", "scheme-unknown"),
        ("cache+memory://x", "results-unsupported"),
        ("file://host/path", "scheme-unknown"),
        ("file:///", "scheme-unknown"),
        ("db+redis://h", "scheme-unknown"),
        ("db+mongodb://h", "scheme-unknown"),
        ("DB+postgresql://u:marker@h/d", "scheme-unknown"),
        ("db+postgresql://u:marker@h/d?sslmode=on", "sslmode-unknown"),
        ("redsi://:marker@h", "scheme-unknown"),
        ("", "text-empty"),
        ("rediss://h/marker", "dbname-invalid"),
    ],
)
def test_refused(text: str, code: str) -> None:
    found = read_text(text)
    assert not isinstance(found, Connection)
    assert [(problem.code, problem.variable) for problem in found] == [(code, "CELERY_RESULT_BACKEND")]
    assert "marker" not in str(found)


def test_positions_count_from_the_beginning_of_the_text() -> None:
    [problem] = read_text("db+postgresql://u:p@h/d#")  # type: ignore[misc]
    assert "at character 24" in problem.message


@pytest.mark.parametrize("text", ["rpc://", "rpc", "disabled", "cache+memory://", "file:///srv/results"])
def test_what_needs_no_server_is_celerys_own(text: str) -> None:
    backend, _ = by_url(text)
    assert backend.__module__.startswith(("celery.backends.", "envconn_celery."))


def test_a_program_hands_over_what_was_read() -> None:
    found = read_text("rpc://")
    assert isinstance(found, Connection)
    assert envconn.secure(found).family == "celery"
    for changed in ({"user": "u"}, {"dbname": "redis://h"}, {"scheme": "file"}, {"password": Secret("p")}):
        with pytest.raises(envconn.ConfigurationError, match="was changed"):
            envconn.secure(replace(found, **changed))
