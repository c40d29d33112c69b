"""The pages on Django, Flask, Celery and SQLAlchemy: every block is run, in the order of the page."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy

import deployed
from envconn.drivers.installed import DRIVERS
from project import SITE

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Lab
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.checkout
REFUSED = "DATABASE_URL: connect_args: sslmode cannot be set in the program. Set it in the environment\n"


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"^```(\w+)$", text, re.MULTILINE)) <= {"python", "sh"}
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(page: Path) -> dict[str, Any]:
    """Run the blocks of a page in one namespace, and return it."""
    found: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page, "python"):
        exec(block, found)  # noqa: S102 - our own
    return found


@pytest.fixture(autouse=True)
def environment(lab: Lab, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, host in (("DATABASE_URL", "localhost"), ("DATABASE_REPLICA_URL", "127.0.0.1")):
        uri = lab["good"].uri(host, sslmode="verify-full", sslrootcert=str(certificates.ca), application_name=host)
        monkeypatch.setenv(variable, uri)


def test_flask(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(checkout / "docs" / "flask.md")
    assert capsys.readouterr().out == REFUSED
    found["test_visits"]()
    name = sqlalchemy.text("select current_setting('application_name')")
    for app, engines in (
        (found["app"], {None: "web"}),
        (found["create_app_with_replica"](), {None: "localhost", "replica": "127.0.0.1"}),
    ):
        with app.app_context():
            for bind, told in engines.items():
                with found["db"].engines[bind].connect() as connection:
                    assert connection.scalar(name) == told
            for engine in found["db"].engines.values():
                engine.dispose()


def test_a_read_from_the_replica(checkout: Path) -> None:
    """The function of the page: the table is only there for the replica."""
    found = run(checkout / "docs" / "flask.md")
    with found["create_app_with_replica"]().app_context():
        replica = found["db"].engines["replica"]
        found["Visit"].__table__.create(replica)
        try:
            assert found["count"]() == 0
        finally:
            found["db"].session.remove()
            found["Visit"].__table__.drop(replica)
            for engine in found["db"].engines.values():
                engine.dispose()


def test_sqlalchemy(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(checkout / "docs" / "sqlalchemy.md")
    assert capsys.readouterr().out == f"1\n1\n{REFUSED}"
    for name, told in (("engine", "localhost"), ("other", "localhost"), ("report", "report")):
        with found[name].connect() as connection:
            assert connection.scalar(sqlalchemy.text("select current_setting('application_name')")) == told
    for name in ("engine", "other", "report", "memory"):
        found[name].dispose()


def test_every_driver_is_in_the_table(checkout: Path) -> None:
    table = (checkout / "docs" / "sqlalchemy.md").read_text(encoding="utf-8").partition("| --- |")[2]
    for driver in (each for drivers in DRIVERS.values() for each in drivers):
        package = {"mysqldb": "mysqlclient"}.get(driver, driver)
        assert f"`envconn[{package}]`" in table.partition("\n\n")[0]


@pytest.mark.application
def test_django(checkout: Path, private: Server, certificates: Certificates, tmp_path: Path) -> None:
    """The settings of the page behind those of the site, and the commands of the page."""
    page = checkout / "docs" / "django.md"
    ours = "from website.settings import *\nINSTALLED_APPS.remove('envconn_django')\n"
    settings = [ours, *blocks(page, "python")]
    (tmp_path / "tested").mkdir()
    (tmp_path / "tested" / "settings.py").write_text("".join(settings), encoding="utf-8")
    environ = deployed.environment(
        DATABASE_URL=private.uri(sslmode="verify-full", sslrootcert=str(certificates.ca)),
        DJANGO_SETTINGS_MODULE="tested.settings",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(SITE), os.environ.get("PYTHONPATH", "")]),
    )
    for commands in blocks(page, "sh"):
        done = subprocess.run(
            ["sh", "-ec", commands], cwd=SITE, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.application
def test_the_commands_of_the_page_on_flask(checkout: Path, private: Server, tmp_path: Path) -> None:
    page = checkout / "docs" / "flask.md"
    (tmp_path / "app.py").write_text(blocks(page, "python")[0], encoding="utf-8")
    environ = deployed.environment(DATABASE_URL=private.uri(sslmode="require"))
    done = subprocess.run(
        ["sh", "-ec", "".join(blocks(page, "sh"))],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ok SQLALCHEMY_DATABASE_URI: TLS encrypted" in done.stdout
    assert "2 servers contacted. No user name and no password was sent." in done.stdout
    with psycopg.connect(private.uri()) as connection:
        assert connection.execute("select count(*) from visit").fetchone() == (0,)
        connection.execute("drop table visit, alembic_version")


@pytest.mark.application
def test_celery(
    checkout: Path,
    redis_server: States[Redis],
    private: Server,
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    page = checkout / "docs" / "celery.md"
    module, client, tested, *others = blocks(page, "python")
    commands, worker, tests = blocks(page, "sh")
    (tmp_path / "tasks.py").write_text(module, encoding="utf-8")
    (tmp_path / "test_tasks.py").write_text(tested, encoding="utf-8")
    (tmp_path / "others.py").write_text("".join([module, *others]), encoding="utf-8")
    environ = deployed.environment(
        BROKER_URL=redis_server["good"].uri(),
        CACHE_URL=redis_server["good"].uri(database=1),
        DATABASE_URL=private.uri(sslmode="require"),
        ENVCONN_BROKER_TLS_CA=str(certificates.ca),
        ENVCONN_CACHE_TLS_CA=str(certificates.ca),
        PYTHONPATH=str(tmp_path),
    )

    def said(command: str) -> str:
        done = deployed.run(["sh", "-ec", command], tmp_path, environ)
        assert done.returncode == 0, done.stderr
        assert redis_server["good"].password not in done.stdout + done.stderr
        return done.stdout

    assert "broker_url" in said(commands)
    assert "1 passed" in said(tests)
    refused = "broker_url: names a broker that envconn has not judged, so it is not used."
    assert said("python others.py").startswith(refused)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(worker.split(), cwd=tmp_path, env=environ, stdout=log, stderr=log)
    try:
        (tmp_path / "client.py").write_text(f"from tasks import add\n{client}", encoding="utf-8")
        assert said("python client.py") == "42\n"
    finally:
        process.terminate()
        process.wait(30)
