"""What integrations return shows one mask instead of each secret, however it is printed; the driver gets the text."""

from __future__ import annotations

import json
import pprint
import reprlib
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._io.saferepr import saferepr
from rich.pretty import pretty_repr
from werkzeug.debug.repr import debug_repr

import envconn
import envconn_asyncpg
import envconn_psycopg
import envconn_redis
from envconn_celery import config
from envconn_django import databases
from envconn_flask import config as flask_config
from envconn_sqlalchemy import dbapi
from leaks import sent_to_sentry

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "marker-password" + "x" * 100
ENVIRON = {
    "DATABASE_URL": f"postgresql://app:{MARKER}@db.example.com/app?sslmode=require",
    "REDIS_URL": f"rediss://:{MARKER}@redis.example.com/0",
    "ANALYTICS_DATABASE_URL": f"mysql://app:{MARKER}@mysql.example.com/app?ssl-mode=REQUIRED",
}
RETURNED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "psycopg": envconn_psycopg.kwargs,
    "psycopg2": lambda services: envconn_psycopg.kwargs(services, driver="psycopg2"),
    "asyncpg": envconn_asyncpg.kwargs,
    "redis-py": envconn_redis.kwargs,
    "pg8000": lambda services: dbapi.arguments(services.database, "pg8000"),
    "PyMySQL": lambda services: dbapi.arguments(services["analytics"], "pymysql"),
    "Flask": flask_config,
    "Django": lambda services: databases(services)["default"],
    "Celery": config,
}
SHOWN: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "pprint": pprint.pformat,
    "reprlib": reprlib.repr,
    "rich": pretty_repr,
    "pytest -l": saferepr,
    "Flask's debugger": debug_repr,
    "Sentry": sent_to_sentry,
    "vars": lambda found: repr(vars(type("Holder", (), {"found": found}))),
    "in part": lambda found: repr({name: text[:80] for name, text in found.items() if isinstance(text, str)}),
}


@pytest.mark.parametrize("name", RETURNED)
def test_secrets_are_masked(name: str) -> None:
    found = RETURNED[name](envconn.load(ENVIRON, env_file=None))
    for way, show in SHOWN.items():
        assert MARKER[:10] not in show(found), way


@pytest.mark.parametrize("name", ["psycopg", "psycopg2", "asyncpg", "redis-py", "pg8000", "PyMySQL"])
def test_the_text_is_what_the_driver_needs(name: str) -> None:
    password = RETURNED[name](envconn.load(ENVIRON, env_file=None))["password"]
    assert repr(password) == "'********'"
    assert password == str(password) == f"{password}" == json.loads(json.dumps(password)) == MARKER
