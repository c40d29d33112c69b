"""gunicorn that loads the program once and then forks: its workers go on while the password changes."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import deployed
from project import SITE

if TYPE_CHECKING:
    from pathlib import Path

    from mounted import Vault

pytestmark = pytest.mark.application

GUNICORN = ("python", "-m", "gunicorn", "--preload", "--workers", "2", "--bind")
SETTINGS = "from website.settings import *\nDATABASES = databases({})\nROOT_URLCONF = 'served'\n"
DJANGO = """
import os
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import JsonResponse
from django.urls import path

def page(request):
    with connection.cursor() as cursor:
        cursor.execute("select current_user")
        return JsonResponse({"role": cursor.fetchone()[0], "worker": os.getpid()})

urlpatterns = [path("", page)]
application = get_wsgi_application()
"""
FLASK = """
import os
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from envconn_flask import EnvConn

application = Flask(__name__)
EnvConn(application, engine_options={"pool_pre_ping": True})
db = SQLAlchemy(application)

@application.get("/")
def page():
    return {"role": db.session.scalar(text("select current_user")), "worker": os.getpid()}
"""


@pytest.mark.parametrize(
    ("program", "options", "keeps"),
    [
        (DJANGO, "rotate=True", False),
        (DJANGO, "rotate=True, conn_max_age=60", True),
        (DJANGO, "rotate=True, pool={'min_size': 1, 'max_size': 2, 'timeout': 5}", True),
        (FLASK, "", True),
    ],
    ids=["django", "django-kept", "django-pool", "flask"],
)
def test_workers_follow_a_rotation(vault: Vault, tmp_path: Path, program: str, options: str, *, keeps: bool) -> None:
    """A worker that `keeps` its connections loses them, and a worker that keeps none has none to lose."""
    (tmp_path / "served.py").write_text(program, encoding="utf-8")
    (tmp_path / "tested.py").write_text(SETTINGS.format(options), encoding="utf-8")
    port = deployed.free_port()
    ours = {"SECRET_KEY": "a key for tests", "DJANGO_SETTINGS_MODULE": "tested", "PYTHONPATH": f"{tmp_path}:{SITE}"}
    environ = deployed.environment(**vault.environ(), **ours)
    with deployed.serving((*GUNICORN, f"127.0.0.1:{port}", "served:application"), tmp_path, environ):
        deployed.fetched(port)
        for _ in range(2):
            assert set(answers(port)) == {vault.role}
            vault.rotate()
            assert (vault.cut() > 0) is keeps
        assert set(answers(port)) == {vault.role}


def answers(port: int) -> Counter[str]:
    """Ask until both workers have answered, and ten times at least; count the roles they have logged in as."""
    roles, workers = Counter[str](), set[int]()
    while roles.total() < 10 or len(workers) < 2:
        assert roles.total() < 1000, "one worker answers all"
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=30) as answer:
            page = json.load(answer)
        roles[page["role"]] += 1
        workers.add(page["worker"])
    return roles
