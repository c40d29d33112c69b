"""Celery's settings: broker and results, both over TLS that is verified as the environment was judged.

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

import envconn
from envconn import SecuredConnection, Services
from envconn_celery.settings import Result, Settings, choose, settings

__all__ = ["config"]


def config(source: Services | SecuredConnection | None = None, *, result: Result | None = "auto") -> Settings:
    """Return the settings for ``app.conf.update``.

    `source` is services, or a connection to a broker, which then keeps no results; `envconn.load()`
    when left out. Results go where `result` says: ``auto`` is the cache if there is one, else the
    default database, else nowhere; `None` is nowhere. Where nothing at all is configured, which
    ``ENVCONN_PHASE=build`` allows, the settings are empty.

    Raises:
        ConfigurationError: the environment is wrong, has no broker, or not the service that `result`
            names; or Celery cannot honour it.
        ImportError: results go to PostgreSQL, and psycopg is not installed.
        TypeError: `source` was not judged.
    """
    services = envconn.load() if source is None else source
    if not isinstance(services, Services):
        return settings(envconn.database(services))
    return settings(*choose(services, result)) if services else {}
