"""Flask with Flask-SQLAlchemy: the databases of the environment in ``app.config``, and ``flask envconn check``.

    db = SQLAlchemy()

    def create_app():
        app = Flask(__name__)
        EnvConn(app)        # before db.init_app, which reads what this writes
        db.init_app(app)
        return app

The default database becomes ``SQLALCHEMY_DATABASE_URI``, every other one a bind of its name.
"""

from __future__ import annotations

import envconn
from envconn.drivers import installed
from envconn.drivers.installed import Driver
from envconn.records import TypedDict
from envconn_flask.commands import group
from envconn_sqlalchemy import dbapi, engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from sqlalchemy import URL

    from envconn import SecuredConnection, Services


__all__ = ["Config", "Driver", "EnvConn", "config", "settings"]


def config(
    source: Services | SecuredConnection | None = None,
    *,
    driver: Driver | None = None,
    engine_options: Mapping[str, object] | None = None,
) -> Config:
    """Return the settings for ``app.config``; a connection as `source` is the default database and the only one.

    `source` is `envconn.load()` when left out. `driver` is the DBAPI, chosen as in `envconn_sqlalchemy`
    when left out. `engine_options` are added for the default database (``pool_size``, ``echo``), which is
    what Flask-SQLAlchemy applies them to. Under ``ENVCONN_PHASE=build`` there may be no default database.
    Engines of services open connections as those of `envconn_sqlalchemy` do.

    Raises:
        ConfigurationError: the environment is wrong, the driver cannot honour it, or `engine_options` could
            weaken or redirect the connections.
        TypeError: `source` was not judged.
    """
    # Not at the top: Flask loads the command in every application, also in those without SQLAlchemy.
    from sqlalchemy import URL
    from sqlalchemy.dialects import plugins

    plugins.register(engine.PLUGIN, "envconn_sqlalchemy.plugin", "Plugin")
    services = envconn.load() if source is None else source
    if isinstance(services, envconn.Services):
        found, follow = services.databases, services.only
    else:
        found, follow = {"database": envconn.database(services)}, None
    return settings(found, URL.create, driver=driver, engine_options=engine_options, follow=follow)


class EnvConn:
    """The extension: ``EnvConn(app)``, or ``EnvConn().init_app(app)`` in an app factory.

    `source` and `driver` are those of `config`. One instance serves any number of applications.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        source: Services | SecuredConnection | None = None,
        driver: Driver | None = None,
    ) -> None:
        self._source = source
        self._driver = driver
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Write the settings into ``app.config`` and add ``flask envconn check``.

        ``SQLALCHEMY_ENGINE_OPTIONS`` that are there already count for the default database, and binds of
        other names stay.

        Raises:
            ConfigurationError: as for `config`.
            RuntimeError: called twice for `app`, or too late, or a setting to be written is there already.
        """
        for told, is_so in _mistakes(app).items():
            if is_so:
                raise RuntimeError(told)
        found = config(self._source, driver=self._driver, engine_options=app.config.get("SQLALCHEMY_ENGINE_OPTIONS"))
        binds = app.config.get("SQLALCHEMY_BINDS") or {}
        if twice := sorted(binds.keys() & found["SQLALCHEMY_BINDS"].keys()):
            raise RuntimeError(f"SQLALCHEMY_BINDS has {', '.join(twice)} already, which the environment names, too")
        app.config.update(found, SQLALCHEMY_BINDS={**binds, **found["SQLALCHEMY_BINDS"]})
        app.extensions["envconn"] = self
        app.cli.add_command(group)


def _mistakes(app: Flask) -> dict[str, bool]:
    return {
        "EnvConn was initialised for this application already; once is enough": "envconn" in app.extensions,
        "SQLAlchemy was initialised before EnvConn and has read no settings of it; call EnvConn's init_app first": (
            "sqlalchemy" in app.extensions
        ),
        "SQLALCHEMY_DATABASE_URI is set already; remove it, or leave EnvConn out where it has to hold (a test)": (
            bool(app.config.get("SQLALCHEMY_DATABASE_URI"))
        ),
    }


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
        chosen = installed.choose(connection, driver, asynchronous=False)
        made = engine.merged(connection, chosen, stated) | engine.followed(source, connection, chosen, stated)
        return {"url": make(**dbapi.parts(connection, chosen)), **made}

    found: Config = {"SQLALCHEMY_BINDS": {name: options(name, {}) for name in databases if name != "database"}}
    if "database" in databases:
        stated = options("database", engine_options or {})
        found["SQLALCHEMY_DATABASE_URI"] = stated.pop("url")  # type: ignore[typeddict-item]
        found["SQLALCHEMY_ENGINE_OPTIONS"] = stated
    return found
