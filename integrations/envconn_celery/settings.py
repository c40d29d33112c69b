"""Celery's settings for a broker and a result backend: which services they are, and their URLs."""

from __future__ import annotations

import os
import sys
from typing import cast
from urllib.parse import parse_qsl, urlencode

from envconn.drivers import Hidden, amqp, psycopg, sqlite
from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError, Finding, problem
from envconn.families import AMQP, CELERY, POSTGRESQL, REDIS, SENTINEL, SQLITE, VARIABLES
from envconn.grammar.libpq_keywords import SECRETS
from envconn.services import Environment, Services
from envconn.tls import require_sealed
from envconn.tls.password import FIXED, is_supplied
from envconn.tls.secured import without_password
from envconn_celery import redis_settings, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from envconn.tls import SecuredConnection


_NONE: Mapping[str, str] = {}


def settings(
    broker: SecuredConnection | None, *results: SecuredConnection | None, waived: Mapping[str, str] = _NONE
) -> dict[str, Any]:
    """Return the settings for `broker`, and for a backend that stores results in the first of `results`, if given.

    The endpoints become known to Celery as judged, those of the other `results` as well. `None` is one that is left to
    Celery, because a pattern of `waived`, by the name of the service, names its scheme.

    Raises:
        ConfigurationError: Celery does not support what a connection requires, or would use a variable instead.
        ImportError: results go to PostgreSQL, and psycopg is not installed.
        TypeError: a connection was not judged.
    """
    judged = [connection for connection in (broker, *results) if connection is not None]
    for connection in judged:
        require_sealed(connection)
    found = _settings_of(_BROKERS, broker, "a broker") if broker else {}
    for result in filter(None, results[:1]):
        found |= _settings_of(_BACKENDS, result, "the place of results")
    registry.install()
    registry.register(broker, filter(None, results), waived)
    if problems := [*_overruled()]:
        raise ConfigurationError(problems)
    if broker:
        _warn_of_flower(broker)
    return _hidden({**found, registry.MARKER: True})


_AMQP_SETTINGS = {
    "heartbeat": "broker_heartbeat",
    "connect_timeout": "broker_connection_timeout",
    "login_method": "broker_login_method",
}


def _amqp_broker(connection: SecuredConnection) -> dict[str, object]:
    options = cast("dict[str, object]", amqp.options(connection))
    found: dict[str, object] = {"broker_url": amqp.url(without_password(connection))}
    found |= {setting: options[name] for name, setting in _AMQP_SETTINGS.items() if name in options}
    verify = amqp.arguments(connection)
    return found | ({"broker_use_ssl": verify} if verify else {})


def _postgres_backend(connection: SecuredConnection) -> dict[str, object]:
    if is_supplied(connection.password):
        refuse(connection, f"{FIXED}, but Celery stores one password. {_UNCHANGED}", "password-fixed")
    psycopg.arguments(connection)
    return {"result_backend": f"db+{registry.database_url(registry.direct(connection))}"}


_UNCHANGED = "Use a password that does not change"


def _sqlite_backend(connection: SecuredConnection) -> dict[str, object]:
    found = sqlite.arguments(connection)
    if "transaction_mode" in found:
        refuse(connection, "SQLAlchemy does not support transaction_mode. Remove it")
    path = connection.dbname.replace("%", "%25").replace("?", "%3F")
    query = urlencode({name: str(value) for name, value in found.items()})
    return {"result_backend": f"db+sqlite:///{path}?{query}".removesuffix("?")}


def _own_backend(connection: SecuredConnection) -> dict[str, object]:
    return {"result_backend": connection.dbname}


def _own_broker(connection: SecuredConnection) -> dict[str, object]:
    return {"broker_url": connection.dbname}


_BROKERS = {
    AMQP: _amqp_broker,
    REDIS: redis_settings.broker,
    SENTINEL: redis_settings.broker,
    CELERY: _own_broker,
}
_BACKENDS = {
    POSTGRESQL: _postgres_backend,
    REDIS: redis_settings.backend,
    SENTINEL: redis_settings.backend,
    SQLITE: _sqlite_backend,
    CELERY: _own_backend,
}


def _settings_of(
    table: Mapping[str, Callable[[SecuredConnection], dict[str, object]]], connection: SecuredConnection, role: str
) -> dict[str, object]:
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


_SECRET = SECRETS | {"broker_url", "result_backend", "ssl_password"}

_USUAL = ("results", "cache", "database")
"""The services for results by default, in this order."""


def choose(services: Services, results: str | Environment | None) -> tuple[SecuredConnection | None, ...]:
    """Return the broker among `services`, and the service for results; `None` for one that a waiver leaves to Celery.

    Raises:
        ConfigurationError: there is no broker, or not the service in `results`.
        TypeError: `results` is not the name of a service.
    """
    if not isinstance(results, str | Environment | None):
        raise TypeError("results must be the name of a service, or None")
    if not services.is_stated("broker"):
        raise ConfigurationError(
            [problem("broker-missing", VARIABLES["broker"], "is not set. Set it to the URL of the broker")]
        )
    names = [name for name in _USUAL if services.is_stated(name)][:1] if isinstance(results, Environment) else [results]
    if isinstance(results, str) and not services.is_stated(results):
        variable = VARIABLES.get(results, f"{results.upper()}_DATABASE_URL")
        raise ConfigurationError(
            [problem("result-missing", variable, "is not set, but the results are stored there. Set it")]
        )
    waived = services.report().waived
    return tuple(None if name in waived else services[name] for name in ("broker", *filter(None, names)))


def _overruled() -> Iterator[Finding]:
    """Yield a problem for each variable that Celery reads, and that names an endpoint which was not judged."""
    for variable in registry.BROKER_VARIABLES:
        text = os.environ.get(variable)
        if text and not registry.is_judged_broker(text):
            yield problem("celery-overruled", variable, _UNJUDGED)
        elif text and (unfit := [name for name, _ in parse_qsl(text.partition("?")[2]) if not _is_read(name)]):
            yield problem("celery-overruled", variable, _PARAMETERS.format(unfit[0]))
    text = os.environ.get("CELERY_RESULT_BACKEND")
    if text and not registry.is_judged_results(text):
        yield problem("celery-overruled", "CELERY_RESULT_BACKEND", _UNJUDGED_RESULTS)


def _is_read(name: str) -> bool:
    return name.startswith("ssl_") or name == "virtual_host"


_UNJUDGED = "replaces the setting of Celery without a TLS check. Unset it, or set it to the URL of the broker"
_UNJUDGED_RESULTS = (
    "replaces the setting of Celery without a TLS check. Unset it and RESULT_BACKEND, or call config() without results="
)
_PARAMETERS = "Celery does not support the parameter {0} there. Remove it, or set REDIS_URL or AMQP_URL instead"


def _warn_of_flower(broker: SecuredConnection) -> None:
    """Log a warning if Flower would send the password of an AMQP broker over HTTP to the port of its management."""
    is_asked = any(argument.startswith(("--broker_api", "--broker-api")) for argument in sys.argv)
    if broker.family == AMQP and "flower" in sys.modules and not (os.environ.get("FLOWER_BROKER_API") or is_asked):
        import logging

        logging.getLogger(__name__).warning(_FLOWER)


_FLOWER = (
    "FLOWER_BROKER_API: not set, so Flower's page on the broker sends its user and password unencrypted to port 15672. "
    "Set it to the https:// URL of RabbitMQ's management API"
)
