"""A Django process that says who it is logged in as, once for each line that it reads. For test_django_rotation.py."""

import json
import sys

import django
from django.conf import settings
from django.db import connections

import envconn
from envconn_django import databases

arguments = json.loads(sys.argv[1])


def ask(alias: str) -> str:
    """Return who we are, or which error there was."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("select session_user::text, current_database()::text")
            return " ".join(cursor.fetchone())
    except Exception as error:  # noqa: BLE001 - to be told, whatever it is
        return f"{type(error).__name__}: {error}"
    finally:
        connections[alias].close()


services = envconn.load(arguments["environ"], env_file=None)
settings.configure(DATABASES=databases(services, **arguments["options"]), USE_TZ=True)
django.setup()
for line in sys.stdin:
    print(json.dumps(ask(line.strip())), flush=True)  # noqa: T201 - the answer
if arguments["options"].get("pool"):
    connections["default"].close_pool()
