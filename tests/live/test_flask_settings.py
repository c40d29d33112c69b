"""Every cell of `flask_settings`, tried on the application in examples/flask_app, beside a server without TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
import flask_migrate
import flask_sqlalchemy_lite
import psycopg
import pytest
import sqlalchemy
from flask.cli import ScriptInfo
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

import envconn
import envconn_sqlalchemy
from envconn_flask import EnvConn, group
from fakes import Answer
from flask_app import app as example
from flask_settings import TABLE
from framework_settings import JUDGED, MERGED, NONE, OPEN, REFUSED, cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fakes import Fake
    from framework_settings import Row
    from throwaway.server import Server

    Try = Callable[["Scene"], Iterator[str]]
    Change = Callable[[flask.Flask], object]

DECIDING: tuple[dict[str, Any], ...] = ({"connect_args": {"sslmode": "disable"}}, {"creator": print})


class Scene:
    """The moment at which the settings are changed, and the server without TLS."""

    def __init__(self, moment: str, thief: Fake, patch: pytest.MonkeyPatch) -> None:
        self.moment, self.thief, self.patch = moment, thief, patch
        self.own = thief.uri().replace("postgresql:", "postgresql+psycopg:")

    def application(self, change: Change, db: SQLAlchemy | None = None) -> flask.Flask:
        """Do what the example's ``create_app`` does, and `change` at the moment."""
        app = flask.Flask(example.__name__)
        if self.moment in {"before", "environment"}:
            change(app)
        EnvConn(app)
        if self.moment == "after":
            change(app)
        (db or example.db).init_app(app)
        app.add_url_rule("/", view_func=example.count)
        return app

    def outcome(self, change: Change, bind: str | None = None, db: SQLAlchemy | None = None) -> str:
        """Say what comes of a request, or of a connection to `bind`."""
        try:
            app = self.application(change, db)
        except envconn.ConfigurationError:
            return REFUSED
        except RuntimeError as mistake:
            assert "already" in str(mistake)  # noqa: PT017 - EnvConn's, and not Flask's
            return REFUSED
        with app.app_context():
            engine = (db or example.db).engines[bind]
        try:
            if engine.dialect.name == "sqlite" or bind:
                with engine.connect() as connection:
                    return JUDGED if connection.execute(text("select 1")).scalar() else NONE
            assert answer(app)["ssl"] is True
        except envconn.ConfigurationError:
            return JUDGED
        except sqlalchemy.exc.OperationalError as error:
            assert "does not support SSL" in str(error)  # noqa: PT017 - raised to the policy's minimum
            return JUDGED
        finally:
            engine.dispose()
        return MERGED if engine.pool.size() == 3 else NONE  # type: ignore[attr-defined]


def answer(app: flask.Flask) -> dict[str, Any]:
    app.testing = True  # what goes wrong is raised
    found: dict[str, Any] = app.test_client().get("/").get_json()
    return found


def set_to(**settings: object) -> Change:
    return lambda app: app.config.update(settings)


def uri(scene: Scene) -> Iterator[str]:
    for value in (scene.own, f"{scene.own}?sslmode=disable", "sqlite://"):
        yield scene.outcome(set_to(SQLALCHEMY_DATABASE_URI=value))


def prefixed(scene: Scene) -> Iterator[str]:
    """Of an application that reads them: before `EnvConn` they are in the way, after it they are used."""
    for value in (scene.own, f"{scene.own}?sslmode=disable", "sqlite://"):
        scene.patch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", value)
        moment = "before" if scene.moment == "before" else "after"
        yield Scene(moment, scene.thief, scene.patch).outcome(lambda app: app.config.from_prefixed_env())


def neutral(scene: Scene) -> Iterator[str]:
    yield scene.outcome(set_to(SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 3}))


def deciding(scene: Scene) -> Iterator[str]:
    for options in DECIDING:
        yield scene.outcome(set_to(SQLALCHEMY_ENGINE_OPTIONS=options))


def constructor(scene: Scene) -> Iterator[str]:
    for options in DECIDING:
        yield scene.outcome(set_to(), db=SQLAlchemy(engine_options=options))


def own_binds(scene: Scene) -> Iterator[str]:
    for value in (scene.own, f"{scene.own}?sslmode=disable", {"url": scene.own}, "sqlite://"):
        yield scene.outcome(set_to(SQLALCHEMY_BINDS={"own": value}), "own")


def taken_bind(scene: Scene) -> Iterator[str]:
    for value in (scene.own, "sqlite://"):
        yield scene.outcome(set_to(SQLALCHEMY_BINDS={"analytics": value}), "analytics")


def default_bind(scene: Scene) -> Iterator[str]:
    for value in (scene.own, {"url": scene.own}):
        yield scene.outcome(set_to(SQLALCHEMY_BINDS={None: value}))


def creator(scene: Scene) -> Iterator[str]:
    """Opened by the application itself, which the check says."""
    called: list[object] = []

    def create() -> object:
        called.append(create)
        return psycopg.connect(envconn.load().database.uri().reveal())

    options = {"url": scene.own, "creator": create}
    app = scene.application(set_to(SQLALCHEMY_BINDS={"own": options}))
    done = app.test_cli_runner().invoke(group, ["check"], obj=ScriptInfo(create_app=lambda: app))
    assert (done.exit_code, 'SQLALCHEMY_BINDS["own"]: creator' in done.stderr, called) == (78, True, [])
    with app.app_context():
        engine = example.db.engines["own"]
        with engine.connect():
            yield OPEN if called else NONE
        engine.dispose()


def opening(scene: Scene) -> Iterator[str]:
    for name, value in {"async_creator_fn": psycopg.connect, "dsn": scene.own, "sock": None}.items():
        options = {"url": scene.own, "connect_args": {name: value or print}}
        app = scene.application(set_to(SQLALCHEMY_BINDS={"own": options}))
        with app.app_context(), pytest.raises(envconn.ConfigurationError, match=f"{name} cannot be judged"):
            example.db.engines["own"].connect()
        yield REFUSED


def late(scene: Scene) -> Iterator[str]:
    app = Scene("", scene.thief, scene.patch).application(set_to())
    set_to(SQLALCHEMY_DATABASE_URI=scene.own, SQLALCHEMY_ENGINE_OPTIONS=DECIDING[0])(app)
    assert answer(app)["ssl"] is True
    with app.app_context():
        example.db.engine.dispose()
    yield NONE


def lite(scene: Scene) -> Iterator[str]:
    """Its engines are not EnvConn's: ours is one by its URL, and the others are judged."""
    ours: dict[str, Any] = {"url": envconn_sqlalchemy.url()}
    assert in_lite(scene, ours | {"pool_size": 3}) == MERGED
    for options in (ours | DECIDING[0], ours | DECIDING[1], {"url": f"{scene.own}?sslmode=disable"}):
        assert in_lite(scene, options) == REFUSED
    assert in_lite(scene, {"url": scene.own}) == "does not support SSL"
    yield JUDGED


def in_lite(scene: Scene, options: dict[str, Any]) -> str:
    db, app = flask_sqlalchemy_lite.SQLAlchemy(), flask.Flask("lite")
    change = set_to(SQLALCHEMY_ENGINES={"default": options})
    for step in (change, EnvConn) if scene.moment == "before" else (EnvConn, change):
        step(app)
    try:
        db.init_app(app)
        with app.app_context(), db.engine.connect() as connection:
            assert connection.execute(example.QUERY).one()[0] is True
            connection.detach()
    except envconn.ConfigurationError:
        return REFUSED
    except sqlalchemy.exc.OperationalError as error:
        return "does not support SSL" if "does not support SSL" in str(error) else str(error)
    return MERGED


def test_check_names_the_settings_of_lite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.example.com/app")
    app = flask.Flask("lite")
    app.config["SQLALCHEMY_ENGINES"] = {"default": envconn_sqlalchemy.url(), "file": "sqlite://"}
    app.config["SQLALCHEMY_ASYNC_ENGINES"] = {"default": envconn_sqlalchemy.url(driver="asyncpg")}
    flask_sqlalchemy_lite.SQLAlchemy(app)
    done = app.test_cli_runner().invoke(group, ["check"], obj=ScriptInfo(create_app=lambda: app))
    for line in (
        'SQLALCHEMY_ENGINES["default"]: TLS encrypted',
        'SQLALCHEMY_ENGINES["file"]: no TLS is required',
        'SQLALCHEMY_ASYNC_ENGINES["default"]: TLS encrypted',
    ):
        assert line in done.output


def dotenv(scene: Scene) -> Iterator[str]:
    """The command puts the file into the environment, before the application reads it."""
    uri = envconn.load().database.uri().reveal()
    scene.patch.delenv("DATABASE_URL")
    for name, accepted in ((uri, "verify" not in uri), (scene.thief.uri(sslmode="disable"), False)):
        with open(".env", "w", encoding="utf-8") as file:
            file.write(f"DATABASE_URL={name}\n")
        app = flask.Flask(example.__name__)
        with scene.patch.context() as patch:
            patch.setenv("FLASK_SKIP_DOTENV", "0" if scene.moment == "command_line" else "1")
            done = app.test_cli_runner().invoke(group, ["check"], obj=ScriptInfo(create_app=lambda app=app: app))
        assert (done.exit_code == 0) is accepted, done.output
        yield JUDGED


def libpq(scene: Scene) -> Iterator[str]:
    for name, value in {"PGHOSTADDR": "127.99.0.1", "PGPORT": str(scene.thief.port)}.items():
        with scene.patch.context() as patch:
            patch.setenv(name, value)
            yield scene.outcome(set_to())


def service(scene: Scene) -> Iterator[str]:
    scene.patch.setenv("PGSERVICE", "x")
    yield scene.outcome(set_to())


TRIES: dict[str, Try] = {
    "`SQLALCHEMY_DATABASE_URI`": uri,
    "`FLASK_SQLALCHEMY_DATABASE_URI`": prefixed,
    "`SQLALCHEMY_ENGINE_OPTIONS` of the pool": neutral,
    "`SQLALCHEMY_ENGINE_OPTIONS` with": deciding,
    "`SQLAlchemy(engine_options=...)`": constructor,
    "`SQLALCHEMY_BINDS` of other names": own_binds,
    "`SQLALCHEMY_BINDS` with the name": taken_bind,
    "`SQLALCHEMY_BINDS[None]`": default_bind,
    "`creator` in one": creator,
    "`async_creator_fn`": opening,
    "any of these": late,
    "`SQLALCHEMY_ENGINES`": lite,
    "`.env`": dotenv,
    "`PGHOSTADDR`": libpq,
    "`PGSERVICE`": service,
}
"""What to do for the row that begins so."""


@pytest.fixture(scope="module")
def released(private: Server) -> Server:
    """The server of the application, with its tables."""
    with psycopg.connect(private.uri()) as connection:
        connection.execute("create table visits (id serial primary key, path text not null)")
    return private


@pytest.mark.parametrize(("row", "moment"), cells(TABLE))
def test_each_cell(
    row: Row, moment: str, released: Server, fake: Callable[[Answer], Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    [attempt] = [attempt for begin, attempt in TRIES.items() if row.what.startswith(begin)]
    thief = fake(Answer.N)
    for name in ("DATABASE_URL", "ANALYTICS_DATABASE_URL"):
        monkeypatch.setenv(name, released.uri(sslmode="require"))
    monkeypatch.setenv("ENVCONN_TLS_LOCAL", "enforce")
    assert set(attempt(Scene(moment, thief, monkeypatch))) == {getattr(row, moment)}
    assert (thief.passwords, thief.startups) == ([], [])


@pytest.mark.filterwarnings("ignore:'get_engine' is deprecated:DeprecationWarning")
def test_flask_migrate(released: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its template writes the URL of the engine into Alembic's configuration, and makes another engine of that."""
    monkeypatch.setenv("DATABASE_URL", released.uri(sslmode="require"))
    app, folder = flask.Flask(example.__name__), str(tmp_path / "migrations")
    EnvConn(app)
    db = SQLAlchemy(app)
    flask_migrate.Migrate(app, db, directory=folder)
    with app.app_context():
        for command in (flask_migrate.init, flask_migrate.revision, flask_migrate.upgrade, flask_migrate.current):
            command()
        flask_migrate.upgrade(sql=True)
        with db.engine.connect() as connection:
            assert connection.execute(text("select count(*) from alembic_version")).scalar() == 1
        db.engine.dispose()
