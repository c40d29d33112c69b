"""Celery's settings for a broker and a result backend: the URL, and how to verify."""

from __future__ import annotations

import os
from typing import cast

from envconn.connection import Connection, Origin, Secret
from envconn.drivers import Hidden, amqp, psycopg
from envconn.drivers.unsupported import insist, refuse
from envconn.errors import ConfigurationError, EndpointUnavailable, Finding, problem
from envconn.families import AMQP, CELERY, POSTGRESQL, REDIS, SENTINEL, SQLITE
from envconn.grammar import celery
from envconn.grammar.libpq_keywords import SECRETS
from envconn.records import replace
from envconn.services import Environment, Services
from envconn.tls import require_sealed
from envconn.tls.password import FIXED, is_supplied
from envconn_celery.redis_settings import redis_backend, redis_broker, sentinel_backend, sentinel_broker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from envconn.tls import SecuredConnection


def settings(broker: SecuredConnection, result: SecuredConnection | None = None) -> dict[str, Any]:
    """Return the settings for `broker`, and for a backend that stores results in `result`, if given.

    Results use a PostgreSQL's direct endpoint if there is one: Celery creates its tables there.

    Raises:
        ConfigurationError: Celery does not support what a connection requires, or would use a variable instead.
        ImportError: results go to PostgreSQL, and psycopg is not installed.
        TypeError: a connection was not judged.
    """
    for connection in (broker,) if result is None else (broker, result):
        require_sealed(connection)
        if is_supplied(connection.password):
            refuse(
                connection,
                f"{FIXED}, but Celery stores one password. Use a password that does not change",
                "password-fixed",
            )
    found = _settings_of(_BROKERS, broker, "a broker")
    if result is not None:
        found |= _settings_of(_BACKENDS, result, "the place of results")
    if problems := [*overruled(found)]:
        raise ConfigurationError(problems)
    return _hidden(found)


_AMQP_SETTINGS = {
    "heartbeat": "broker_heartbeat",
    "connect_timeout": "broker_connection_timeout",
    "login_method": "broker_login_method",
}
_RECYCLE_SECONDS = 3600  # Celery's own default, which is lost when engine options are set


def _amqp_broker(connection: SecuredConnection) -> dict[str, object]:
    options = cast("dict[str, object]", amqp.options(connection))
    found: dict[str, object] = {"broker_url": amqp.url(connection)}
    found |= {setting: options.pop(name) for name, setting in _AMQP_SETTINGS.items() if name in options}
    if options:
        found["broker_transport_options"] = options
    if verify := amqp.arguments(connection):
        found["broker_use_ssl"] = verify
    return found


def _postgres_backend(connection: SecuredConnection) -> dict[str, object]:
    bounds = [
        seconds for seconds in (connection.features.idle_seconds, connection.features.lifetime_seconds) if seconds
    ]
    options = {
        "connect_args": psycopg.arguments(_direct(connection)),
        "pool_pre_ping": True,
        "pool_recycle": min([_RECYCLE_SECONDS, *bounds]),
    }
    return {"result_backend": "db+postgresql+psycopg://", "database_engine_options": options}


def _sqlite_backend(connection: SecuredConnection) -> dict[str, object]:
    insist(connection, "Celery's backend for results", SQLITE, ())
    path = connection.dbname.replace("%", "%25").replace("?", "%3F")
    return {"result_backend": f"db+sqlite:///{path}"}


def _own_backend(connection: SecuredConnection) -> dict[str, object]:
    return {"result_backend": connection.dbname}


def _in_process_broker(connection: SecuredConnection) -> dict[str, object]:
    return {"broker_url": connection.dbname}


_BROKERS = {AMQP: _amqp_broker, REDIS: redis_broker, SENTINEL: sentinel_broker, CELERY: _in_process_broker}
_BACKENDS = {
    POSTGRESQL: _postgres_backend,
    REDIS: redis_backend,
    SENTINEL: sentinel_backend,
    SQLITE: _sqlite_backend,
    CELERY: _own_backend,
}


def _settings_of(
    table: Mapping[str, Callable[[SecuredConnection], dict[str, object]]], connection: SecuredConnection, role: str
) -> dict[str, object]:
    require_sealed(connection)
    if connection.family not in table:
        refuse(connection, f"{connection.family} cannot be used as {role}. Use {' or '.join(table)}")
    return table[connection.family](connection)


def _hidden(settings: Mapping[str, object]) -> dict[str, Any]:
    """Return the same, with secrets that `repr` does not show: Celery keeps settings, and users print them."""
    return {
        name: _hidden(value)
        if isinstance(value, dict)
        else Hidden(value)
        if name in _SECRET and isinstance(value, str)
        else value
        for name, value in settings.items()
    }


_SECRET = SECRETS | {"broker_url", "redis_password", "result_backend", "ssl_password"}


def _direct(connection: SecuredConnection) -> SecuredConnection:
    try:
        return connection.endpoint(pooled=False)
    except EndpointUnavailable:
        return connection


_USUAL = ("results", "cache", "database")
"""The services for results by default, in this order."""

_VARIABLES = {"cache": "CACHE_URL", "database": "DATABASE_URL", "results": "CELERY_RESULT_BACKEND"}


def choose(services: Services, results: str | Environment | None) -> tuple[SecuredConnection, SecuredConnection | None]:
    """Return the broker among `services`, and the service for results, `None` for none.

    Raises:
        ConfigurationError: there is no broker, or not the service in `results`.
        TypeError: `results` is not the name of a service.
    """
    if not isinstance(results, str | Environment | None):
        raise TypeError("results must be the name of a service, or None")
    if not services.is_stated("broker"):
        raise ConfigurationError(
            [problem("broker-missing", "BROKER_URL", "is not set. Set it to the URL of the broker")]
        )
    if results is None:
        return services["broker"], None
    if isinstance(results, Environment):
        return services["broker"], next((services[name] for name in _USUAL if services.is_stated(name)), None)
    if not services.is_stated(results):
        variable = _VARIABLES.get(results, f"{results.upper()}_DATABASE_URL")
        raise ConfigurationError(
            [problem("result-missing", variable, "is not set, but the results are stored there. Set it")]
        )
    return services["broker"], services[results]


_PLAIN = "Remove its parameters (use ENVCONN_TLS_CA for a CA), or set REDIS_URL or AMQP_URL instead"
_READ_BY_CELERY = {
    "CELERY_BROKER_URL": ("broker_url", _PLAIN),
    "CELERY_BROKER_READ_URL": ("broker_url", "Unset it"),
    "CELERY_BROKER_WRITE_URL": ("broker_url", "Unset it"),
    # Celery's command sets it from RESULT_BACKEND, too.
    "CELERY_RESULT_BACKEND": (
        "result_backend",
        "Unset it and RESULT_BACKEND, or store the results there (config(results='results'))",
    ),
}
"""Variables that override settings in Celery (celery/app/utils.py, Settings), unchanged.

Its command copies two more (celery/bin/celery.py, --broker and --result-backend).
"""


def overruled(found: Mapping[str, object]) -> Iterator[Finding]:
    """Yield a problem for each variable that Celery reads and that differs from the settings."""
    for variable, (setting, remedy) in _READ_BY_CELERY.items():
        text = os.environ.get(variable)
        if text and not _says(text, str(found.get(setting, ""))):
            message = f"replaces the setting of Celery without a TLS check. {remedy}"
            yield problem("celery-overruled", variable, message)


def _says(text: str, url: str) -> bool:
    """Whether `text` means the same to Celery as `url`: the same address, and nothing about verification."""
    ours, theirs = _read(url), _read(text)
    return text == url or bool(theirs and (ours == theirs or theirs.family == CELERY))


def _read(text: str) -> Connection | None:
    if "?" in text or text != text.strip():
        return None
    found = celery.read(Secret(text), _ORIGIN)
    return replace(found, notes=()) if isinstance(found, Connection) else None


_ORIGIN = Origin("text")
