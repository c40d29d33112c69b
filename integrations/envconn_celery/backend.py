"""Celery's result backends, which look up the verdict on an endpoint when they are made.

They stand under Celery's own names (`envconn_celery.registry`). What the settings say about TLS has no effect on a
judged endpoint. Any other name of this module is Celery's backend of that name, which is refused for an application
with `config()`.
"""

from __future__ import annotations

from celery.backends import database, redis
from celery.utils.imports import symbol_by_name

from envconn.drivers import redis as driver
from envconn.drivers.unsupported import refuse
from envconn.families import REDIS, SENTINEL
from envconn.hardcoded import password_in
from envconn.tls.secured import without_password
from envconn_celery import redis_settings, registry
from envconn_redis.connections import SentinelPool
from envconn_sqlalchemy import dbapi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from celery import Celery

    from envconn.tls import SecuredConnection


class RedisBackend(redis.RedisBackend):
    """Celery's backend for a Redis."""

    connparams: dict[str, Any]

    def __init__(self, *arguments: Any, **named: Any) -> None:  # Celery's arguments
        super().__init__(*arguments, **named)
        self.connparams = self._judged(self.connparams)

    def _params_from_url(self, url: str, defaults: dict[str, Any]) -> dict[str, Any]:
        # Celery looks at the result, too: rediss:// needs to say how to verify.
        return self._judged(super()._params_from_url(url, defaults))

    def _judged(self, given: dict[str, Any]) -> dict[str, Any]:
        host, port = (given["path"], 0) if "path" in given else (given["host"], given["port"])
        connection = registry.results(self.app, REDIS, host, port)
        if connection:
            registry.warn_if_hardcoded("result_backend", given.get("password"), connection)
        return given if connection is None else redis_settings.judged_results(given, connection)


class SentinelBackend(redis.SentinelBackend):
    """Celery's backend for a Redis behind sentinels."""

    _connection: SecuredConnection | None

    def _params_from_url(self, url: str, defaults: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = super()._params_from_url(url, defaults)
        first = given["hosts"][0]
        self._connection = registry.results(self.app, SENTINEL, first["host"], first["port"])
        return redis_settings.judged_results(given, self._connection) if self._connection else given

    def _get_pool(self, **given: Any) -> Any:
        if self._connection is None:
            return super()._get_pool(**given)
        others = {name: value for name, value in given.items() if name not in {"host", "hosts", "port"}}
        return SentinelPool(**others, **driver.sentinels(without_password(self._connection)))


class DatabaseBackend(database.DatabaseBackend):
    """Celery's backend for a database."""

    url: str
    engine_options: dict[str, Any]

    def __init__(self, *arguments: Any, **named: Any) -> None:  # Celery's arguments
        self._is_judged = False
        super().__init__(*arguments, **named)
        self._judge()
        self._is_judged = True
        if self.app.conf.get("database_create_tables_at_setup"):
            self._create_tables()

    def _create_tables(self) -> None:
        # Celery connects in its constructor already; 5.4 does not.
        if self._is_judged and hasattr(database.DatabaseBackend, "_create_tables"):
            super()._create_tables()

    def _judge(self) -> None:
        if self.url.startswith(("sqlite:", "sqlite+")):
            return
        if connection := registry.results_in_sql(self.app, self.url):
            registry.warn_if_hardcoded("result_backend", password_in(self.url), connection)
            connection = registry.direct(connection)
            self.url = registry.database_url(connection)
            self.engine_options = _engine_options(connection, self.engine_options)


def _engine_options(connection: SecuredConnection, stated: dict[str, Any]) -> dict[str, Any]:
    """Return the options for SQLAlchemy: those of `connection`, and what else the user has `stated`."""
    # Of plugins, the one of envconn would refuse the others; there is none here.
    if deciding := sorted((dbapi.OTHER_DOORS | {"plugins"}) & stated.keys()):
        refuse(connection, _DECIDED.format(deciding[0]), "argument-refused")
    arguments = dbapi.merged(connection, "psycopg", stated.get("connect_args") or {})
    seconds = stated.get("pool_recycle", _RECYCLE_SECONDS)
    limit = dbapi.pool_options(connection).get("pool_recycle", seconds)
    own = {"connect_args": arguments, "pool_recycle": min(seconds, limit)}
    return {"pool_pre_ping": True, **stated, **own}


_RECYCLE_SECONDS = 3600  # Celery's own default, which is lost when engine options are set
_DECIDED = "{0} in database_engine_options would replace what was judged. Remove it"


def __getattr__(name: str) -> Callable[..., Any]:
    """Return what makes Celery's backend called `name`, unless it is for an application with `config()`."""
    if name not in registry.STOCK_BACKENDS:
        raise AttributeError(name)

    def unjudged(app: Celery, url: str | None = None, **named: Any) -> Any:
        in_memory = name == "cache" and (url or "").startswith("memory")
        if not (in_memory or registry.is_waived("results", name)):
            registry.refuse_results(app)
        return symbol_by_name(registry.STOCK_BACKENDS[name])(app=app, url=url, **named)

    return unjudged
