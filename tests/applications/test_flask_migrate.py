"""A Flask application with Flask-Migrate behind PgBouncer in transaction mode, released twice and visited."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

import deployed

if TYPE_CHECKING:
    from pathlib import Path

    from bouncer import Bouncer
    from lab import Lab
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.application

APP = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from envconn_flask import EnvConn

db = SQLAlchemy()

class Visit(db.Model):
    id = db.Column(db.Integer, primary_key=True)

def create_app():
    app = Flask(__name__)
    EnvConn(app)
    db.init_app(app)
    Migrate(app, db)

    @app.get("/")
    def page():
        db.session.add(Visit())
        db.session.commit()
        return {"visits": Visit.query.count()}

    return app
"""
COLUMN = '    path = db.Column(db.String, server_default="/", nullable=False)\n'
FLASK = ("python", "-m", "flask", "db")
DIRECT = ("envconn", "exec", "--direct", "--login", "--")
GUNICORN = ("python", "-m", "gunicorn", "--preload", "--workers", "2", "app:create_app()", "--bind")
WEB = ("envconn", "exec", "--login", "--wait", "10", "--", *GUNICORN)


def test_two_releases(bouncer: Bouncer, lab: Lab, certificates: Certificates, tmp_path: Path) -> None:
    with psycopg.connect(lab["good"].uri(sslmode="require"), autocommit=True) as admin:
        admin.execute("create database flask")
    tls = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    pooler, server = (each.uri(**tls).replace("/postgres?", "/flask?") for each in (bouncer, lab["good"]))
    environ = deployed.environment(DATABASE_URL=pooler, DIRECT_URL=server, ENVCONN_POOL_MODE="transaction")

    def run(*command: str) -> str:
        done = deployed.run(command, tmp_path, environ)
        assert done.returncode == 0, done.stderr
        return done.stderr

    for number, text in enumerate((APP, re.sub(r"(    id = .*\n)", rf"\1{COLUMN}", APP))):
        (tmp_path / "app.py").write_text(text, encoding="utf-8")
        if number == 0:
            run(*FLASK, "init")
        run(*FLASK, "migrate", "--message", f"release {number}")
        assert f"release {number}" in run(*DIRECT, *FLASK, "upgrade")
        port = deployed.free_port()
        with deployed.serving((*WEB, f"127.0.0.1:{port}"), tmp_path, environ):
            assert deployed.fetched(port) == {"visits": number + 1}
    with psycopg.connect(server) as connection:
        assert connection.execute("select path from visit").fetchall() == [("/",), ("/",)]
