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

from typing import TYPE_CHECKING

import envconn
from envconn.drivers import engine, flask
from envconn.drivers.flask import Config
from envconn.drivers.sqlalchemy import Driver
from envconn_flask.commands import group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from envconn import SecuredConnection, Services

__all__ = ["Config", "Driver", "EnvConn", "config"]


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
    return flask.settings(found, URL.create, driver=driver, engine_options=engine_options, follow=follow)


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
