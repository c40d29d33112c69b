"""Every cell of `sqlalchemy_settings`, tried on a server with TLS beside one without, which never sees a password."""

from __future__ import annotations

import logging.config
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy
from alembic.config import main as alembic
from sqlalchemy import event, text
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import CreateEnginePlugin

import envconn
import envconn_sqlalchemy
from fakes import Answer
from framework_settings import JUDGED, MERGED, NONE, OPEN, REFUSED, cells
from sqlalchemy_settings import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fakes import Fake
    from framework_settings import Row
    from lab import Lab

    Try = Callable[["Scene"], Iterator[str]]

WHERE = text("select inet_server_port(), ssl from pg_stat_ssl where pid = pg_backend_pid()")


class Scene:
    """The URL of a database, the server without TLS beside it, and where a try may write."""

    def __init__(self, moment: str, thief: Fake, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.moment, self.thief, self.patch, self.folder = moment, thief, patch, folder
        self.url = envconn_sqlalchemy.url(driver="psycopg")
        self.judged = envconn.load().database

    def outcome(self, *, engine: sqlalchemy.Engine | None = None, effect: str = "false", **options: Any) -> str:
        """Say what comes of an engine made with `options`; it has an effect if the expression `effect` is true."""
        try:
            engine = engine or sqlalchemy.create_engine(options.pop("url", self.url), **options)
            with engine.connect() as connection:
                assert connection.execute(WHERE).one() == (self.judged.port, True)
                merged = connection.execute(text(f"select {effect}")).scalar()
            engine.dispose()
        except envconn.ConfigurationError:
            return REFUSED
        return MERGED if merged else NONE


def options_of_the_engine(scene: Scene) -> Iterator[str]:
    serializable = {"isolation_level": "SERIALIZABLE"}
    effect = "current_setting('transaction_isolation') = 'serializable'"
    if scene.moment == "after":
        yield scene.outcome(engine=sqlalchemy.create_engine(scene.url).execution_options(**serializable), effect=effect)
        return
    for options in ({"pool_size": 2}, {"poolclass": sqlalchemy.NullPool}, {"echo": False}):
        yield scene.outcome(**options, execution_options=serializable, effect=effect)


def neutral(scene: Scene) -> Iterator[str]:
    effect = "current_setting('application_name') = 'mine'"
    yield scene.outcome(connect_args={"application_name": "mine"}, effect=effect)
    yield scene.outcome(url=scene.url.update_query_dict({"application_name": "mine"}), effect=effect)


def deciding(scene: Scene) -> Iterator[str]:
    for name, value in (
        ("sslmode", "disable"), ("host", "127.0.0.1"), ("hostaddr", "127.0.0.1"), ("port", str(scene.thief.port)),
        ("service", "x"), ("passfile", "x"), ("sslrootcert", "x"), ("gssencmode", "require"),
    ):  # fmt: skip
        yield scene.outcome(connect_args={name: value})
        yield scene.outcome(url=scene.url.update_query_dict({name: value}))


def another_database(scene: Scene) -> Iterator[str]:
    yield scene.outcome(url=scene.url.set(database="template1"), effect="current_database() = 'template1'")


def another_server(scene: Scene) -> Iterator[str]:
    for change in ({"host": "127.0.0.1"}, {"port": scene.thief.port}, {"username": "postgres"}, {"password": "x"}):
        yield scene.outcome(url=scene.url.set(**change))


def doors(scene: Scene) -> Iterator[str]:
    naive = sqlalchemy.create_engine(scene.thief.uri(sslmode="disable").replace("postgresql", "postgresql+psycopg"))
    for door in ({"creator": naive.raw_connection}, {"pool": naive.pool}, {"module": sys}, {"async_creator": print}):
        yield scene.outcome(**door)
    yield scene.outcome(connect_args={"async_creator_fn": print})


class Redirecting(CreateEnginePlugin):
    """A plugin that opens the connections."""

    creator: Any = None

    def __init__(self, _url: sqlalchemy.URL, kwargs: dict[str, Any]) -> None:
        kwargs["creator"] = self.creator

    def update_url(self, url: sqlalchemy.URL) -> sqlalchemy.URL:
        return url


def other_plugins(scene: Scene) -> Iterator[str]:
    naive = sqlalchemy.create_engine(scene.thief.uri(sslmode="disable").replace("postgresql", "postgresql+psycopg"))
    scene.patch.setattr(Redirecting, "creator", naive.raw_connection)
    plugins.register("redirecting", __name__, "Redirecting")
    yield scene.outcome(plugins=["redirecting"])
    yield scene.outcome(url=scene.url.update_query_dict({"plugin": ["envconn", "redirecting"]}))


def overwritten(scene: Scene) -> Iterator[str]:
    """Nothing can be done about it, so it is listed."""
    engine = sqlalchemy.create_engine(scene.url)
    called: list[object] = []
    engine.pool._creator = called.append  # type: ignore[assignment]
    engine.pool._creator(None)  # type: ignore[call-arg, arg-type]
    yield OPEN if called else NONE


def listener(scene: Scene) -> Iterator[str]:
    def redirect(_dialect: object, _record: object, _positional: list[object], named: dict[str, object]) -> None:
        named.update(port=scene.thief.port, sslmode="disable")

    engine = sqlalchemy.create_engine(scene.url)
    target: Any = sqlalchemy.Engine if scene.moment == "before" else engine
    for insert in (True, False):
        event.listen(target, "do_connect", redirect, insert=insert)
        try:
            yield scene.outcome(engine=engine)
        finally:
            event.remove(target, "do_connect", redirect)


def places_of_libpq(scene: Scene) -> Iterator[str]:
    (scene.folder / "services").write_text(f"[x]\nport={scene.thief.port}\nsslmode=disable\n", encoding="utf-8")
    scene.patch.setenv("PGSERVICEFILE", str(scene.folder / "services"))
    for name, value in {
        "PGHOST": "127.0.0.1", "PGHOSTADDR": "127.99.0.1", "PGPORT": str(scene.thief.port), "PGSERVICE": "x",
        "PGUSER": "postgres", "PGDATABASE": "template1", "PGOPTIONS": "-c search_path=elsewhere",
    }.items():  # fmt: skip
        with scene.patch.context() as patch:
            patch.setenv(name, value)
            yield scene.outcome(
                effect="current_setting('search_path') = 'elsewhere' or current_database() = 'template1'"
            )


REDIRECTED = "current_setting('search_path') = 'elsewhere' or current_database() = 'template1'"


def weaker_variables(scene: Scene) -> Iterator[str]:
    for name, value in {
        "PGSSLMODE": "disable", "PGSSLROOTCERT": "/nowhere", "PGSSLNEGOTIATION": "postgres", "PGGSSENCMODE": "prefer",
    }.items():  # fmt: skip
        with scene.patch.context() as patch:
            patch.setenv(name, value)
            yield scene.outcome()


def migrated(scene: Scene, url: str) -> Iterator[str]:
    """Run Alembic's generic template with `url` in its file, which is found in each of three ways."""
    folder = scene.folder / "migrations"
    ini = scene.folder / ("alembic.ini" if scene.moment == "before" else "other.ini")
    alembic(["-c", str(ini), "-q", "init", str(folder)])
    written = ini.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [f"sqlalchemy.url = {url}\n" if line.startswith("sqlalchemy.url") else line for line in written]
    ini.write_text("".join(lines), encoding="utf-8")
    # What the template does with it lasts longer than a test.
    scene.patch.setattr(logging.config, "fileConfig", lambda _name: None)
    scene.patch.chdir(scene.folder)
    if scene.moment == "environment":
        scene.patch.setenv("ALEMBIC_CONFIG", str(ini))
    chosen = ["-c", str(ini)] if scene.moment == "command_line" else []
    opened: list[object] = []
    made = sqlalchemy.Engine
    event.listen(made, "connect", note := lambda connection, _record: opened.append(connection.pgconn.ssl_in_use))
    try:
        alembic([*chosen, "current"])
        alembic([*chosen, "upgrade", "head", "--sql"])
    finally:
        event.remove(made, "connect", note)
    yield JUDGED if opened == [True] else OPEN


def own_url(scene: Scene) -> Iterator[str]:
    return migrated(
        scene,
        scene.judged.uri().reveal().replace("postgresql:", "postgresql+psycopg:").split("?")[0] + "?sslmode=allow",
    )


TRIES: dict[str, Try] = {
    "`pool_size`": options_of_the_engine,
    "`connect_args` and parameters of the URL that decide nothing": neutral,
    "`connect_args` and parameters of the URL that decide (": deciding,
    "another database": another_database,
    "another host": another_server,
    "`creator`": doors,
    "`plugins`": other_plugins,
    "`engine.pool._creator`": overwritten,
    "a `do_connect` listener": listener,
    "`PGHOST`": places_of_libpq,
    "`PGSSLMODE`": weaker_variables,
    "`sqlalchemy.url` of Alembic with": partial(migrated, url="postgresql+psycopg://?plugin=envconn&envconn=database"),
    "`sqlalchemy.url` of Alembic, without it": own_url,
}
"""What to do for the row that begins so."""


@pytest.mark.parametrize(("row", "moment"), cells(TABLE))
def test_each_cell(
    row: Row,
    moment: str,
    lab: Lab,
    fake: Callable[[Answer], Fake],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    [attempt] = [attempt for begin, attempt in TRIES.items() if row.what.startswith(begin)]
    thief = fake(Answer.N)
    monkeypatch.setenv("DATABASE_URL", lab["both"].uri(sslmode="require"))
    monkeypatch.setenv("ENVCONN_TLS_LOCAL", "enforce")
    assert set(attempt(Scene(moment, thief, monkeypatch, tmp_path))) == {getattr(row, moment)}
    assert (thief.passwords, thief.startups) == ([], [])
