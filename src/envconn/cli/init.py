"""``envconn init``: print what to add to the project in the working directory; ``--write`` also makes .env.example."""

from __future__ import annotations

import os
import re
import sys
from glob import glob
from importlib.util import find_spec

from envconn.exit_codes import EX_OK, EX_USAGE
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = ".env.example"


def run(*, write: bool) -> int:
    """Print what to add, write .env.example if `write` is true and there is none, and return the exit code."""
    uses = _used()
    example = _example(uses)
    print("\n".join([*_steps(uses), *(f"    {line}".rstrip() for line in example.splitlines())]))
    return _write(example) if write else EX_OK


class Part(Record):
    """A framework or driver: its name for people, the module that says whether it is installed, and its lines.

    `place` says where the lines go, `{settings}` in it is Django's settings file.
    """

    title: str
    module: str
    place: str = ""
    lines: str = ""


_FRAMEWORKS = {
    "django": Part(
        "Django",
        "django",
        "at the end of {settings}, instead of DATABASES and CACHES",
        """\
from envconn_django import caches, databases

INSTALLED_APPS = ["envconn_django", *INSTALLED_APPS]
DATABASES = databases(env_file=BASE_DIR / ".env")
CACHES = caches(env_file=BASE_DIR / ".env")
DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"
""",
    ),
    "flask": Part(
        "Flask",
        "flask",
        "where the application is made, before db.init_app(app)",
        "from envconn_flask import EnvConn\n\nEnvConn(app)\n",
    ),
    "celery": Part(
        "Celery",
        "celery",
        "below the line that makes the application of Celery",
        "from envconn_celery import config\n\napp.conf.update(config())\n",
    ),
}
_DRIVERS = {
    "psycopg": Part("psycopg 3", "psycopg"),
    "psycopg2": Part("psycopg2", "psycopg2"),
    "asyncpg": Part("asyncpg", "asyncpg"),
    "mysqlclient": Part("mysqlclient", "MySQLdb"),
    "pymysql": Part("PyMySQL", "pymysql"),
    "redis": Part("redis-py", "redis"),
}
_ALONE = Part("", "", "in the program", "import envconn\n\nservices = envconn.load()\n")
_PARTS = {**_FRAMEWORKS, **_DRIVERS}
_DATABASE_DRIVERS = {*_DRIVERS} - {"redis"}


def _used() -> list[str]:
    """Return the extras that the project names in its files; what it does not name there is what is installed."""
    text = "\n".join(_text(path) for pattern in _FILES for path in sorted(glob(pattern))).lower()
    named = {name for name in _PARTS if re.search(rf"(?<![\w-]){name}(?!\w)", text)}
    named |= {"django"} if glob("manage.py") else set()
    missing = _PARTS if not named else {} if named & _DATABASE_DRIVERS else _DRIVERS
    installed = {name for name, part in missing.items() if find_spec(part.module)}
    return [name for name in _PARTS if name in named | installed]


_FILES = ("pyproject.toml", "requirements*.txt", "requirements*/*.txt", "Pipfile", "setup.cfg", "setup.py")


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def _steps(uses: list[str]) -> Iterator[str]:
    yield f"Found: {', '.join(_PARTS[name].title for name in uses) or 'no framework and no driver'}."
    extras = uses if _DATABASE_DRIVERS.intersection(uses) else [*uses, "psycopg"]
    yield from ("", "1. Install:", "", f"    pip install 'envconn[{','.join(extras)}]'")
    chosen = [_FRAMEWORKS[name] for name in uses if name in _FRAMEWORKS] or [_ALONE]
    for number, part in enumerate(chosen, 2):
        yield from ("", f"{number}. Add this {part.place.format(settings=_settings())}:", "")
        yield from (f"    {line}".rstrip() for line in part.lines.splitlines())
    number = len(chosen) + 2
    yield from (
        "",
        f"{number}. Set the variables, check them, and start the program (Procfile, container):",
        "",
    )
    yield from ("    envconn check", "    envconn exec --live -- COMMAND")
    yield from ("", f"{number + 1}. {EXAMPLE}, which envconn init --write writes:", "")


def _settings() -> str:
    """Return the path of Django's settings as manage.py names them."""
    found = re.search(r"DJANGO_SETTINGS_MODULE['\"], *['\"]([\w.]+)", _text("manage.py")) if glob("manage.py") else None
    return f"{found[1].replace('.', '/')}.py" if found else "settings.py"


def _example(uses: list[str]) -> str:
    wanted = [text for name, text in {"redis": _REDIS, "celery": _CELERY}.items() if name in uses]
    return "\n".join([_HEAD, _DATABASE, *wanted, _POLICY])


_HEAD = """\
# Defaults for variables that are not set. Copy this file to .env, which must not be committed,
# and correct the values. Where the program is deployed, the platform sets the variables.
"""
_DATABASE = """\
# The database. Scalingo sets SCALINGO_POSTGRESQL_URL, Clever Cloud POSTGRESQL_ADDON_URI,
# most others DATABASE_URL.
DATABASE_URL=postgresql://app:app@localhost:5432/app
# Where that is a pooler (Neon, PlanetScale, Supabase), the endpoint for migrations:
#DIRECT_URL=postgresql://app:app@localhost:5433/app
# A replica for reading:
#DATABASE_REPLICA_URL=postgresql://app:app@localhost:5434/app
# The CA of a provider that has its own: the path of a file, or its text.
#DATABASE_CA_CERT=/path/to/provider-ca.pem
"""
_REDIS = """\
# The cache. Scalingo sets SCALINGO_REDIS_URL, most others REDIS_URL. A remote one needs rediss://.
REDIS_URL=redis://localhost:6379/0
"""
_CELERY = """\
# Celery's broker and results, if they are not the Redis above.
#CELERY_BROKER_URL=amqp://app:app@localhost:5672//
#CELERY_RESULT_BACKEND=redis://localhost:6379/1
"""
_POLICY = """\
# The least that is accepted towards other machines: require (encrypted; the default), verify-ca,
# verify-full, or the best that is known of the provider.
#ENVCONN_TLS=best
# The name of a container that has no TLS, such as the service db of compose.
#ENVCONN_TLS_WAIVE=db
"""


def _write(text: str) -> int:
    try:
        with open(EXAMPLE, "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        print(f"envconn init: {EXAMPLE} exists. Remove it, or copy the lines above into it", file=sys.stderr)
        return EX_USAGE
    print(f"\nWritten: {os.path.abspath(EXAMPLE)}")
    return EX_OK
