"""examples/celery_worker in a fork of one process that has imported Celery: what each prints, as one line of JSON.

A line of standard input is a run: variables, lines before and after ``config()`` of the program, or options of the
``celery`` command which loads it, and an expression to print.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import redis.retry
from celery import current_app
from celery.backends.database.session import SessionManager
from celery.bin.celery import celery

import envconn

FOLDER = Path(__file__).parents[2] / "examples" / "celery_worker"
CONFIGURED = "try:\n    app.conf.update(config())\n"
START = """
class Settings:
    pass

app.conf.update(database_create_tables_at_setup=False)
"""


def program(given: dict[str, Any]) -> dict[str, object]:
    """Return the names of the program, with the lines of `given` before and after it configures Celery."""
    text = (FOLDER / "worker.py").read_text(encoding="utf-8")
    before, configured, after = text.partition(CONFIGURED)
    assert configured
    names: dict[str, object] = {"__name__": "worker", "SessionManager": SessionManager}
    code = f"{before}{START}{given['before']}\n{configured}{after}\n{given['after']}"
    exec(compile(code, "worker.py", "exec"), names)  # noqa: S102 - it is a program
    return names


def command(options: list[str]) -> dict[str, object]:
    """Return the names of the program after the command has loaded it and said what it is configured with."""
    sys.path.insert(0, str(FOLDER))
    chosen = [] if "CELERY_APP" in os.environ else ["--app", "worker"]
    with redirect_stdout(io.StringIO()):
        celery.main([*chosen, *options, "report"], standalone_mode=False, auto_envvar_prefix="CELERY")
    app = current_app._get_current_object()
    app.conf.database_create_tables_at_setup = False
    return {"app": app, "SessionManager": SessionManager}


def run(given: dict[str, Any]) -> str:
    """Run the program as `given`, and return what the expression is, or the error."""
    os.environ.update(given["environ"])
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            names = command(given["options"]) if given["options"] else program(given)
            return str(eval(given["expression"], names))  # noqa: S307
    except envconn.ConfigurationError as error:
        return "refused: " + ", ".join(problem.variable for problem in error.problems)
    except SystemExit as end:
        return f"refused: {told.getvalue()}" if end.code == os.EX_CONFIG else str(end)
    except BaseException as error:  # noqa: BLE001 - the test looks at it
        return "".join(traceback.format_exception_only(error)) if "marker" not in str(error) else "a secret"


_LOADED = (
    "celery.backends.redis",
    "envconn_celery",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
    "sqlalchemy.dialects.postgresql.psycopg",
)
"""What the programs import: once here takes a fifth of the time that each takes."""

if __name__ == "__main__":
    for name in _LOADED:
        import_module(name)
    redis.retry.sleep = lambda _: None  # type: ignore[attr-defined]
    for line in sys.stdin:
        reading, writing = os.pipe()
        if not (child := os.fork()):
            os.close(reading)
            os.write(writing, json.dumps(run(json.loads(line))).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            sys.stdout.write(pipe.read() + "\n")
            sys.stdout.flush()
        os.waitpid(child, 0)
