"""Programs with Celery, each in a fork of one process that has imported it: what each prints, as one line of JSON.

A line of standard input is a program: variables, lines before and after ``config()``, and an expression to print.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

import redis.retry

import envconn

PROGRAM = """
from celery import Celery
from celery.backends.database.session import SessionManager
from envconn_celery import config

class Settings:
    pass

app = Celery("program")
app.conf.update(database_create_tables_at_setup=False)
{before}
app.conf.update(config())
{after}
"""


def run(given: dict[str, Any]) -> str:
    """Run the program `given`, and return what the expression is, or the error."""
    os.environ.update(given["environ"])
    try:
        names: dict[str, object] = {}
        exec(PROGRAM.format(**given), names)  # noqa: S102 - it is a program
        return str(eval(given["expression"], names))  # noqa: S307
    except envconn.ConfigurationError as error:
        return "refused: " + ", ".join(problem.variable for problem in error.problems)
    except BaseException as error:  # noqa: BLE001 - the test looks at it
        return "".join(traceback.format_exception_only(error)) if "marker" not in str(error) else "a secret"


if __name__ == "__main__":
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
