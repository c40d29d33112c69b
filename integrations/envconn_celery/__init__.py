"""Celery's settings for broker and results, both with TLS as the environment requires.

    from celery import Celery
    from envconn_celery import config

    app = Celery("worker")
    app.conf.update(config())

Celery and kombu connect through classes of envconn, under their own names, which look the endpoint up: a setting,
variable or option that names another one is refused, and what they say about TLS has no effect. All other settings stay
the user's. ``docs/frameworks.md`` lists what Celery reads by itself, and what comes of it.
"""

from __future__ import annotations

from envconn.services import ENVIRONMENT, Environment, Services, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn.services import Source

__all__ = ["config"]


def config(source: Source = ENVIRONMENT, /, *, results: str | Environment | None = ENVIRONMENT) -> dict[str, Any]:
    """Return the settings for ``app.conf.update``. Printed, they show no secret.

    The first argument is services, or a connection to a broker, then without results;
    `envconn.load()` if left out. `results` is the name of the service for results (``"cache"``,
    ``"database"``, ...), `None` for none; if left out, it is the first configured one of
    ``results``, ``cache`` and ``database``. If nothing is configured, which ``ENVCONN_PHASE=build`` allows,
    the settings are empty. A broker or results that envconn cannot judge, such as SQS, are left to Celery if
    ``ENVCONN_TLS_WAIVE`` has their scheme (``sqs://``).

    Raises:
        ConfigurationError: the environment is wrong, has no broker, or not the service in `results`;
            or Celery does not support it.
        ImportError: results go to PostgreSQL, and psycopg is not installed.
        TypeError: the first argument was not judged, or is `None`.
    """
    from envconn_celery.settings import choose, settings

    services = resolve(source, ("broker",))
    if not isinstance(services, Services):
        return settings(services)
    if not services and any(note.code == "build-phase" for note in services.report().notes):
        return {}
    return settings(*choose(services, results), waived=services.report().waived)
