"""Flask with Flask-SQLAlchemy: the databases of the environment in ``app.config``, and ``flask envconn check``.

    db = SQLAlchemy()

    def create_app():
        app = Flask(__name__)
        EnvConn(app)        # before db.init_app, which reads these settings
        db.init_app(app)
        return app

The default database becomes ``SQLALCHEMY_DATABASE_URI``, every other one a bind with its name.
"""

from __future__ import annotations

from collections.abc import Mapping

import click

import envconn
from envconn.errors import note, problem
from envconn.services import ENVIRONMENT, EVERY_DATABASE, Environment, Services, resolve
from envconn.tls import SecuredConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from flask import Flask
    from sqlalchemy import URL, Engine

    from envconn.drivers.installed import Driver
    from envconn.errors import Finding
    from envconn.services import Source


__all__ = ["EnvConn", "config"]


def config(
    source: Source = ENVIRONMENT,
    /,
    *,
    driver: Driver | None = None,
    engine_options: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return the settings for ``app.config``; for a connection, with it as the only database.

    The first argument is services or a connection, `envconn.load()` if left out. `driver` is the DBAPI,
    chosen as in `envconn_sqlalchemy` if left out. `engine_options` are added for the default database
    (``pool_size``, ``echo``), the only one for which Flask-SQLAlchemy uses them. Under ``ENVCONN_PHASE=build`` there
    may be no database: then the application starts, and what connects raises.
    Engines of services open connections as those of `envconn_sqlalchemy` do.

    Raises:
        ConfigurationError: the environment is wrong, the driver does not support it, or `engine_options` could
            weaken or redirect the connections.
        TypeError: the first argument was not judged, or is `None`.
    """
    services = resolve(source, EVERY_DATABASE)
    found = services.databases if isinstance(services, Services) else {"database": services}
    return _settings(found, driver=driver, engine_options=engine_options)


class EnvConn:
    """The extension: ``EnvConn(app)``, or ``EnvConn().init_app(app)`` in an app factory.

    `services` is the first argument of `config`; `driver` and `engine_options` are those of `config`. One
    instance serves any number of applications.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        services: Source = ENVIRONMENT,
        driver: Driver | None = None,
        engine_options: Mapping[str, object] | None = None,
    ) -> None:
        if not isinstance(services, Services | SecuredConnection | Environment):
            raise TypeError("services must be Services or a SecuredConnection. Remove it to load the environment")
        if not isinstance(engine_options, Mapping | None):
            raise TypeError("engine_options must be a mapping of arguments of create_engine by name")
        self._source = services
        self._driver = driver
        self._engine_options = engine_options or {}
        self._services: Services | SecuredConnection | None = None
        if app is not None:
            self.init_app(app)

    @property
    def services(self) -> Services | SecuredConnection:
        """The services that the application was given, or that were loaded for it.

        Raises:
            RuntimeError: no application has been initialised yet.
        """
        if self._services is None:
            raise RuntimeError("EnvConn has no application. Call init_app() first")
        return self._services

    def init_app(self, app: Flask) -> None:
        """Write the settings into ``app.config`` and add ``flask envconn check``.

        ``SQLALCHEMY_ENGINE_OPTIONS`` that are set already are kept for the default database, those of `EnvConn`
        have precedence, and binds with other names stay.

        Raises:
            ConfigurationError: as for `config`.
            RuntimeError: called twice for `app`, or too late, or one of these settings is set already.
        """
        for mistake, is_so in _mistakes(app).items():
            if is_so:
                raise RuntimeError(mistake)
        options = {**(app.config.get("SQLALCHEMY_ENGINE_OPTIONS") or {}), **self._engine_options}
        services = resolve(self._source, EVERY_DATABASE)
        found = config(services, driver=self._driver, engine_options=options)
        binds = app.config.get("SQLALCHEMY_BINDS") or {}
        if twice := sorted(binds.keys() & found["SQLALCHEMY_BINDS"].keys()):
            raise RuntimeError(
                f"SQLALCHEMY_BINDS already has {', '.join(twice)}, which the environment also has. Rename one"
            )
        app.config.update(found, SQLALCHEMY_BINDS={**binds, **found["SQLALCHEMY_BINDS"]})
        app.extensions["envconn"], self._services = self, services
        app.cli.add_command(group)


def _mistakes(app: Flask) -> dict[str, bool]:
    return {
        "EnvConn was already initialised for this application. Call init_app() once": "envconn" in app.extensions,
        "SQLAlchemy was initialised before EnvConn, so its settings are missing. Call EnvConn's init_app() first": (
            "sqlalchemy" in app.extensions
        ),
        "SQLALCHEMY_DATABASE_URI is already set. Remove it, or do not use EnvConn where it is required (in a test)": (
            bool(app.config.get("SQLALCHEMY_DATABASE_URI"))
        ),
        "SQLALCHEMY_BINDS already has a URL for None, the default database. Remove it": _has_url(
            (app.config.get("SQLALCHEMY_BINDS") or {}).get(None)
        ),
    }


def _has_url(bind: object) -> bool:
    """Whether `bind`, options or a URL, names a database."""
    return bool(bind) and not (isinstance(bind, dict) and not bind.get("url"))


def _settings(
    databases: Mapping[str, SecuredConnection],
    *,
    driver: Driver | None,
    engine_options: Mapping[str, object] | None,
) -> dict[str, Any]:
    """Return the settings for `databases`: ``database`` is the default one, the others are binds.

    `engine_options` are the program's own for the default database,
    the only one for which Flask-SQLAlchemy uses them.

    Raises:
        ConfigurationError: the driver does not support a connection, or `engine_options` could weaken or redirect it.
        TypeError: a connection was not judged.
    """
    # Not at the top: Flask loads the command in every application, also in those without SQLAlchemy.
    from envconn_sqlalchemy.engine import address
    from envconn_sqlalchemy.other_engines import judge_from_now_on
    from envconn_sqlalchemy.urls import NO_DATABASE

    judge_from_now_on()
    if not databases:
        return {"SQLALCHEMY_DATABASE_URI": NO_DATABASE, "SQLALCHEMY_BINDS": {}}

    def url(name: str, options: Mapping[str, object]) -> URL:
        return address(databases[name], driver, options, asynchronous=False)

    others = {name: {"url": url(name, {})} for name in databases if name != "database"}
    found: dict[str, Any] = {"SQLALCHEMY_BINDS": others}
    if "database" in databases:
        stated = dict(engine_options or {})
        found["SQLALCHEMY_DATABASE_URI"] = url("database", stated)
        found["SQLALCHEMY_ENGINE_OPTIONS"] = stated
    return found


@click.group("envconn", help="Prove that the connections in the environment use TLS.")
def group() -> None:
    """Group the commands, which work even if the application does not start."""


# All that ``envconn check`` takes: it parses the options, and prints its help.
@group.command(
    "check",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    help="Check the environment as envconn check does, with its options, and the engines of the application.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def check(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Print what ``envconn check`` prints, with the verdict on each engine; exit with its code.

    Raises:
        SystemExit: always.
    """
    from envconn.cli import main

    raise SystemExit(main(["check", *arguments], lambda: _verdicts(context)))


def _verdicts(context: click.Context) -> tuple[list[str], list[Finding], list[Finding]]:
    """Return one line for each engine of the application, the problems of those that would be refused, and notes."""
    from flask.cli import NoAppException, ScriptInfo

    try:
        app = context.ensure_object(ScriptInfo).load_app()
    except NoAppException:
        return ["The application was not found, so its engines were not checked. Name it with flask --app"], [], []
    except envconn.ConfigurationError as error:
        return [], [*error.problems], []
    engines = _engines(app)
    if not engines:
        return [], [], []
    from envconn.hardcoded import may_be_hardcoded
    from envconn_sqlalchemy.other_engines import verdict

    lines, problems = [], []
    notes: list[Finding] = []
    for setting, engine in engines.items():
        try:
            found = verdict(engine)
        except envconn.ConfigurationError as error:
            problems += [problem(each.code, setting, each.message, each.exit_code) for each in error.problems]
        else:
            lines.append(f"ok {setting}: {f'TLS {found.tls.level}' if found else 'no TLS is required'}")
            notes += [] if may_be_hardcoded(found.tls if found else None) else _hardcoded(setting, engine)
    return lines, problems, notes


def _hardcoded(setting: str, engine: Engine) -> Iterator[Finding]:
    """Yield a note if the URL in `setting` has a password that did not come from the environment."""
    from envconn.hardcoded import CODE, line_of, program_modules, sentence

    if line := line_of([str(engine.url.password or "")], program_modules()):
        yield note(CODE, setting, sentence(line))


def _engines(app: Flask) -> dict[str, Engine]:
    """Return the engines of Flask-SQLAlchemy, or of Flask-SQLAlchemy-Lite, by the settings that they are made from."""
    extension = app.extensions.get("sqlalchemy")
    if extension is None:
        return {}
    with app.app_context():
        engines, others = extension.engines, getattr(extension, "async_engines", None)
    if others is None:
        return {f'SQLALCHEMY_BINDS["{name}"]' if name else "SQLALCHEMY_DATABASE_URI": engines[name] for name in engines}
    found = {f'SQLALCHEMY_ENGINES["{name}"]': engine for name, engine in engines.items()}
    return found | {f'SQLALCHEMY_ASYNC_ENGINES["{name}"]': engine.sync_engine for name, engine in others.items()}
