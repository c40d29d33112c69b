"""Celery's settings for broker and results, both with TLS as the environment requires.

    from celery import Celery
    from envconn_celery import config

    app = Celery("worker")
    app.conf.update(config())

The settings are complete: no URL among them has parameters, which would beat the dictionaries.
Celery believes ``CELERY_BROKER_URL`` and ``CELERY_RESULT_BACKEND`` more than any setting, and its
command ``BROKER_URL`` and ``RESULT_BACKEND``: one that says something else than the settings is
refused, and so is one with parameters. ``REDIS_URL`` and ``AMQP_URL`` are left alone.
"""

from __future__ import annotations

from envconn.services import ENVIRONMENT, Environment, Services, resolve
from envconn_celery.settings import choose, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn.services import Source

__all__ = ["config"]


def config(source: Source = ENVIRONMENT, /, *, results: str | Environment | None = ENVIRONMENT) -> dict[str, Any]:
    """Return the settings for ``app.conf.update``. Printed, they show no secret.

    The first argument is services, or a connection to a broker, which then keeps no results;
    `envconn.load()` when left out. `results` is the name of the service that keeps results (``"cache"``,
    ``"database"``, ...), `None` for none; left out, it is the first that is there of ``results``, ``cache`` and
    ``database``. Where nothing at all is configured, which ``ENVCONN_PHASE=build`` allows, the settings are empty.

    Raises:
        ConfigurationError: the environment is wrong, has no broker, or not the service that `results`
            names; or Celery cannot honour it.
        ImportError: results go to PostgreSQL, and psycopg is not installed.
        TypeError: the first argument was not judged, or is `None`.
    """
    services = resolve(source)
    if not isinstance(services, Services):
        return settings(services)
    return settings(*choose(services, results)) if services else {}
