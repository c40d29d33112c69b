"""Flask and Flask-SQLAlchemy: a real application that serves requests, in process and over a socket."""

from __future__ import annotations

import importlib
import os
import re
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import flask
import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from werkzeug.serving import make_server

import envconn
import envconn_flask
import stacks
from documents import understood
from envconn.cli import main
from envconn_flask import EnvConn, group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from envconn import Services
    from lab import Lab

MARKER = "marker-password"
REMOTE = f"postgresql://app:{MARKER}@db.example.com/app?sslmode=require"
QUERY = "select current_setting('application_name')"


def load(**environ: str) -> Services:
    return envconn.load(environ, env_file=None)


def make(services: Services, **settings: object) -> flask.Flask:
    """Make an application as a factory does."""
    app = flask.Flask("ours")
    app.config.update(settings)
    db = SQLAlchemy()
    EnvConn(app, services=services)
    db.init_app(app)

    @app.get("/<bind>")
    def name(bind: str) -> dict[str, object]:
        with db.engines[None if bind == "default" else bind].connect() as connection:
            found = connection.execute(text(QUERY)).scalar()
            return {"name": found, "tls": stacks.in_use_below(connection.connection.driver_connection)}

    @app.teardown_appcontext
    def dispose(_error: BaseException | None) -> None:
        for engine in db.engines.values():
            engine.dispose()

    return app


def two(lab: Lab) -> Services:
    """Load a default database and a second one."""
    uris = {name: lab["good"].uri(sslmode="require", application_name=name) for name in ("default", "analytics")}
    return load(DATABASE_URL=uris["default"], ANALYTICS_DATABASE_URL=uris["analytics"])


@pytest.mark.parametrize("bind", ["default", "analytics"])
def test_a_request_is_served(lab: Lab, bind: str) -> None:
    answer = make(two(lab)).test_client().get(f"/{bind}")
    assert answer.get_json() == {"name": bind, "tls": True}


@pytest.mark.parametrize("bind", ["default", "analytics"])
def test_a_request_over_a_socket_is_served(lab: Lab, bind: str) -> None:
    with served(make(two(lab))) as port:
        client = HTTPConnection("127.0.0.1", port, timeout=10)
        client.request("GET", f"/{bind}")
        assert flask.json.loads(client.getresponse().read()) == {"name": bind, "tls": True}
        client.close()


@contextmanager
def served(app: flask.Flask) -> Iterator[int]:
    """Serve `app` until the block ends."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    app = flask.Flask("ours")
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL"):
        EnvConn(app)
    monkeypatch.setenv("DATABASE_URL", REMOTE)
    EnvConn().init_app(app)
    assert str(app.config["SQLALCHEMY_DATABASE_URI"]) == (
        "postgresql+psycopg://app@db.example.com:5432/app?envconn=database&plugin=envconn"
    )
    assert MARKER not in repr(app.config)


def test_one_extension_serves_many_applications() -> None:
    extension = EnvConn(services=load(DATABASE_URL=REMOTE), driver="psycopg2")
    for app in (flask.Flask("one"), flask.Flask("two")):
        extension.init_app(app)
        assert app.config["SQLALCHEMY_DATABASE_URI"].drivername == "postgresql+psycopg2"
        assert app.extensions["envconn"] is extension


def test_config_is_plain() -> None:
    services = load(DATABASE_URL=REMOTE, ANALYTICS_DATABASE_URL=REMOTE, ENVCONN_POOL_MODE="transaction")
    found = envconn_flask.config(services, engine_options={"pool_size": 3})
    assert found["SQLALCHEMY_ENGINE_OPTIONS"] == {"pool_size": 3}
    assert found["SQLALCHEMY_BINDS"]["analytics"].keys() == {"url"}
    assert MARKER not in repr(found)
    assert envconn_flask.config(services.database)["SQLALCHEMY_BINDS"] == {}


def test_what_was_not_judged() -> None:
    with pytest.raises(TypeError, match="expected Services or a SecuredConnection"):
        envconn_flask.config(envconn.parse(REMOTE))  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"pool_size": 5, "connect_args": {"connect_timeout": 3}}])
def test_building_without_a_database(options: dict[str, object]) -> None:
    """The application starts, so that assets can be built. What connects says what is missing."""
    app = flask.Flask("ours")
    EnvConn(app, services=load(ENVCONN_PHASE="build"), engine_options=options)
    db = SQLAlchemy(app, engine_options=options)
    with app.app_context():
        assert "envconn" in app.cli.commands
        for use in (db.engine.connect, db.create_all, lambda: db.session.execute(text("select 1"))):
            with pytest.raises(envconn.ConfigurationError, match="ENVCONN_PHASE: is build") as refusal:
                use()
            assert [problem.code for problem in refusal.value.problems] == ["database-missing"]


def test_building_with_a_database() -> None:
    found = envconn_flask.config(load(ENVCONN_PHASE="build", DATABASE_URL=REMOTE))
    assert found["SQLALCHEMY_DATABASE_URI"].host == "db.example.com"


def test_settings_of_the_application_count() -> None:
    app = make(
        load(DATABASE_URL=REMOTE),
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 7},
        SQLALCHEMY_BINDS={"memory": "sqlite://"},
    )
    assert app.config["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"] == 7
    assert app.config["SQLALCHEMY_BINDS"] == {"memory": "sqlite://"}


def test_settings_that_would_weaken_do_not() -> None:
    with pytest.raises(envconn.ConfigurationError, match="sslmode"):
        make(load(DATABASE_URL=REMOTE), SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"sslmode": "disable"}})


def test_the_extension_holds_services_and_options() -> None:
    services, app = load(DATABASE_URL=REMOTE), flask.Flask("ours")
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 3, "echo": True}
    extension = EnvConn(services=services, driver="psycopg2", engine_options={"pool_size": 7})
    with pytest.raises(RuntimeError, match="Call init_app"):
        _ = extension.services
    extension.init_app(app)
    assert extension.services is services
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    assert (options["pool_size"], options["echo"]) == (7, True)


def test_mistakes_are_errors() -> None:
    services = load(DATABASE_URL=REMOTE, ANALYTICS_DATABASE_URL=REMOTE)
    with pytest.raises(RuntimeError, match="already initialised"):
        EnvConn(make(services), services=services)
    with pytest.raises(RuntimeError, match="SQLALCHEMY_DATABASE_URI is already set"):
        make(services, SQLALCHEMY_DATABASE_URI="sqlite://")
    with pytest.raises(RuntimeError, match="URL for None"):
        make(services, SQLALCHEMY_BINDS={None: "sqlite://"})
    with pytest.raises(RuntimeError, match="analytics"):
        make(services, SQLALCHEMY_BINDS={"analytics": "sqlite://"})
    late = flask.Flask("late")
    late.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    SQLAlchemy(late)
    with pytest.raises(RuntimeError, match="initialised before EnvConn"):
        EnvConn(late, services=services)


def test_a_database_of_sqlite(tmp_path: Path) -> None:
    """As on a developer's machine. The path is not the folder of the instance, where Flask-SQLAlchemy would look."""
    services = load(DATABASE_URL=f"sqlite:///{tmp_path}/app.db", ANALYTICS_DATABASE_URL="sqlite:///relative.db")
    app = flask.Flask("ours")
    EnvConn(app, services=services, driver="psycopg2", engine_options={"echo": False})
    db = SQLAlchemy(app)
    with app.app_context():
        assert db.engine.url.database == f"{tmp_path}/app.db"
        assert db.engines["analytics"].url.database == os.path.abspath("relative.db")


def test_options_of_the_default_bind_stay() -> None:
    assert make(load(DATABASE_URL=REMOTE), SQLALCHEMY_BINDS={None: {"pool_size": 3}}).config["SQLALCHEMY_BINDS"]


def checked(app: flask.Flask, *arguments: str) -> Result:
    """Run ``flask envconn check`` as Flask finds the command by its entry point."""
    plugins = FlaskGroup(create_app=lambda: app)
    plugins.add_command(group)
    return app.test_cli_runner().invoke(plugins, ["envconn", "check", *arguments])


@pytest.mark.parametrize(
    ("bind", "line"),
    [
        ("postgresql+psycopg://app:hard-coded@h.example.com/a", "flask_shop.py, line 1"),
        ("postgresql+psycopg://app:in-the-environment@h.example.com/a", ""),
        ("postgresql+psycopg://app@h.example.com/a", ""),
        ("postgresql+psycopg://app:hard-coded@localhost/a", ""),
        ("sqlite://", ""),
    ],
)
def test_a_password_in_the_program_is_a_note(monkeypatch: pytest.MonkeyPatch, bind: str, line: str) -> None:
    Path("flask_shop.py").write_text(f"BINDS = {{'legacy': {bind!r}}}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(sys.modules, "flask_shop", raising=False)
    monkeypatch.setenv("DATABASE_URL", REMOTE)
    monkeypatch.setenv("OTHER", "in-the-environment")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # it holds the parameters
    app = make(load(DATABASE_URL=REMOTE), SQLALCHEMY_BINDS=importlib.import_module("flask_shop").BINDS)
    told = f'note SQLALCHEMY_BINDS["legacy"]: the credentials are in {line}, and not in the environment.'
    done = checked(app)
    assert (done.exit_code, told in done.stdout) == (0, bool(line)), done.output
    assert ("credentials-in-settings" in checked(app, "--json").stdout) is bool(line)
    assert "hard-coded" not in done.output


@pytest.mark.parametrize("through", ["application", "plugin"])
def test_flask_envconn_check(monkeypatch: pytest.MonkeyPatch, through: str) -> None:
    app = make(load(DATABASE_URL=REMOTE, ANALYTICS_DATABASE_URL=REMOTE), SQLALCHEMY_BINDS={"memory": "sqlite://"})

    def check() -> Result:
        return checked(app) if through == "plugin" else app.test_cli_runner().invoke(args=["envconn", "check"])

    wrong = check()
    assert (wrong.exit_code, "DATABASE_URL: not set" in wrong.stderr) == (78, True)
    monkeypatch.setenv("DATABASE_URL", REMOTE)
    right = check()
    assert right.exit_code == 0
    for line in (
        "ok database [encrypted] DATABASE_URL",
        "ok SQLALCHEMY_DATABASE_URI: TLS encrypted",
        'ok SQLALCHEMY_BINDS["analytics"]: TLS encrypted',
        'ok SQLALCHEMY_BINDS["memory"]: no TLS is required',
        "1 connection: encrypted. No server was contacted: add --live.",
    ):
        assert line in right.stdout
    assert MARKER not in right.stdout + wrong.stderr


ALIKE: list[tuple[dict[str, str], tuple[str, ...]]] = [
    ({"DATABASE_URL": REMOTE}, ()),
    ({"DATABASE_URL": REMOTE}, ("--json",)),
    ({"DATABASE_URL": REMOTE}, ("--service", "database")),
    ({"ENVCONN_PHASE": "build"}, ()),
    ({"ENVCONN_PHASE": "build"}, ("--json",)),
    ({}, ()),
    ({}, ("--json",)),
    ({"DATABASE_URL": REMOTE.replace("require", "disable")}, ()),
    ({"DATABASE_URL": REMOTE.replace("require", "disable")}, ("--json",)),
    ({"DATABASE_URL": REMOTE, "SCALINGO_POSTGRESQL_URL": REMOTE.replace("db.", "other.")}, ()),
    ({"DATABASE_URL": REMOTE}, ("--jsn",)),
    ({"DATABASE_URL": REMOTE}, ("--service", "none")),
    ({"DATABASE_URL": "postgresql://app@localhost:1/app?sslmode=require"}, ("--live", "--timeout", "1")),
    ({"DATABASE_URL": REMOTE}, ("--help",)),
]


@pytest.mark.parametrize(("environ", "arguments"), ALIKE)
def test_it_says_what_the_command_says(
    environ: dict[str, str],
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An application that does not start, because the environment is wrong, adds nothing."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def create_app() -> flask.Flask:
        app = flask.Flask("ours")
        EnvConn(app)
        return app

    plugins = FlaskGroup(create_app=create_app)
    plugins.add_command(group)
    done = CliRunner().invoke(plugins, ["envconn", "check", *arguments])
    try:
        code: object = main(["check", *arguments])
    except SystemExit as end:
        code = end.code
    output, problems = capsys.readouterr()
    assert (done.exit_code, done.stdout, done.stderr) == (code, output, problems)
    assert MARKER not in done.output


class Unheard(PGDialect_psycopg2):
    """A dialect of another package."""

    driver = "unheard"


def test_the_engines_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", REMOTE)
    own = f"postgresql+psycopg://app:{MARKER}@own.example.com/app"
    binds = {
        "raised": own,
        "plain": f"{own}?sslmode=disable",
        "creator": {"url": own, "creator": print},
        "unheard": own.replace("psycopg", "unheard"),
    }
    monkeypatch.setitem(registry.impls, "postgresql.unheard", lambda: Unheard)
    app = make(load(DATABASE_URL=REMOTE), SQLALCHEMY_BINDS=binds)
    done = checked(app)
    assert done.exit_code == 78
    for name, message, code in (
        ("plain", "sslmode=disable", "tls-disabled"),
        ("creator", "cannot be judged", "argument-refused"),
        ("unheard", "not supported", "driver-unsupported"),
    ):
        pattern = rf'^error SQLALCHEMY_BINDS\["{name}"\]: .*{message}.* \[{code}\]$'
        assert re.search(pattern, done.stderr, re.MULTILINE), done.stderr
    document = understood(checked(app, "--json").stdout)
    assert {problem["code"] for problem in document["problems"]} == {
        "tls-disabled",
        "argument-refused",
        "driver-unsupported",
    }
    assert '"raised"' not in done.stderr
    assert MARKER not in done.output
    monkeypatch.setenv("ENVCONN_TLS_WAIVE", "own.example.com")
    assert checked(make(load(DATABASE_URL=REMOTE), SQLALCHEMY_BINDS={**binds, "creator": own})).exit_code == 0


def test_check_without_an_application_or_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", REMOTE)
    assert "TLS encrypted" not in checked(flask.Flask("ours")).stdout
    done = CliRunner().invoke(FlaskGroup(add_default_commands=False, add_version_option=False), ["envconn", "check"])
    assert (done.exit_code, "was not found" in done.stdout) == (0, True)
