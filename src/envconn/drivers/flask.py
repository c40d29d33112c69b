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
    follow: Callable[[str], object] | None = None,
) -> Config:
    """Return the settings for `databases`, of which ``database`` is the default one and the others are binds.

    `make` is ``sqlalchemy.URL.create``. `engine_options` are the program's own for the default database,
    which is what Flask-SQLAlchemy applies them to. `follow` returns for a name what the plugin of
    `envconn_sqlalchemy` is to log in with each time.

    Raises:
        ConfigurationError: the driver cannot honour a connection, or `engine_options` could weaken or redirect it.
        TypeError: a connection was not judged.
    """

    def options(name: str, stated: Mapping[str, object]) -> dict[str, object]:
        source = follow(name) if follow else databases[name]
        connection = engine.before_login(databases[name])
        chosen = sqlalchemy.choose(connection, driver, asynchronous=False)
        made = engine.merged(connection, chosen, stated) | engine.followed(source, connection, chosen, stated)
        return {"url": make(**sqlalchemy.parts(connection, chosen)), **made}

    found: Config = {"SQLALCHEMY_BINDS": {name: options(name, {}) for name in databases if name != "database"}}
    if "database" in databases:
        stated = options("database", engine_options or {})
        found["SQLALCHEMY_DATABASE_URI"] = stated.pop("url")  # type: ignore[typeddict-item]
        found["SQLALCHEMY_ENGINE_OPTIONS"] = stated
    return found
