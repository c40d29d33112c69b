"""What Flask-SQLAlchemy reads: the default database and the options of its engine, and a bind for each other one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from envconn.drivers import engine, sqlalchemy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import URL

    from envconn.drivers.sqlalchemy import Driver
    from envconn.tls import SecuredConnection

__all__ = ["Config", "settings"]


class Config(TypedDict, total=False):
    """What Flask-SQLAlchemy reads. Its `repr` shows no password: the URLs are objects, not text."""

    SQLALCHEMY_DATABASE_URI: URL
    SQLALCHEMY_ENGINE_OPTIONS: dict[str, object]
    SQLALCHEMY_BINDS: dict[str, dict[str, object]]


def settings(
    databases: Mapping[str, SecuredConnection],
    make: Callable[..., URL],
    *,
    driver: Driver | None = None,
    engine_options: Mapping[str, object] | None = None,
) -> Config:
    """Return the settings for `databases`, of which ``database`` is the default one and the others are binds.

    `make` is ``sqlalchemy.URL.create``. `engine_options` are the program's own for the default database,
    which is what Flask-SQLAlchemy applies them to.

    Raises:
        ConfigurationError: the driver cannot honour a connection, or `engine_options` could weaken or redirect it.
        TypeError: a connection was not judged.
    """

    def options(connection: SecuredConnection, stated: Mapping[str, object]) -> dict[str, object]:
        chosen = sqlalchemy.choose(connection, driver, asynchronous=False)
        return {"url": make(**sqlalchemy.parts(connection, chosen)), **engine.merged(connection, chosen, stated)}

    found: Config = {
        "SQLALCHEMY_BINDS": {name: options(each, {}) for name, each in databases.items() if name != "database"}
    }
    if "database" in databases:
        stated = options(databases["database"], engine_options or {})
        found["SQLALCHEMY_DATABASE_URI"] = stated.pop("url")  # type: ignore[typeddict-item]
        found["SQLALCHEMY_ENGINE_OPTIONS"] = stated
    return found
