"""A Celery worker whose broker and results come from the environment, over TLS that is verified.

    celery --app worker worker        waits for work
    python worker.py 19 23            sends some, and prints what comes back

Both exit with 78 when the configuration is wrong, as ``envconn`` does.
"""

from __future__ import annotations

import sys

from celery import Celery

from envconn import ConfigurationError
from envconn_celery import config

app = Celery("celery_worker")
try:
    app.conf.update(config())
except ConfigurationError as error:
    print(error, file=sys.stderr)
    sys.exit(78)


@app.task(name="add")
def add(left: int, right: int) -> int:
    """Add two numbers, somewhere else."""
    return left + right


if __name__ == "__main__":
    print(add.delay(*map(int, sys.argv[1:3])).get(timeout=30))
