"""Variables that Celery reads by itself, and believes more than any setting."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envconn import grammar
from envconn.connection import Connection, Origin, Secret
from envconn.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["overruled"]

_PLAIN = "take its parameters out (a CA goes into ENVCONN_TLS_CA), or set REDIS_URL or AMQP_URL instead"
_READ_BY_CELERY = {
    "CELERY_BROKER_URL": ("broker_url", f"so does its command BROKER_URL; {_PLAIN}"),
    "CELERY_BROKER_READ_URL": ("broker_url", "unset it"),
    "CELERY_BROKER_WRITE_URL": ("broker_url", "unset it"),
    "CELERY_RESULT_BACKEND": (
        "result_backend",
        "so does its command RESULT_BACKEND; unset both, and choose with config(result=...)",
    ),
}
"""Variables that Celery takes before any setting (celery/app/utils.py, Settings), as they stand.

Its command copies two more of its own accord (celery/bin/celery.py, --broker and --result-backend).
"""


def overruled(found: Mapping[str, object]) -> Iterator[Problem]:
    """Yield a problem for each variable that Celery reads behind our back and that says something else."""
    for variable, (setting, remedy) in _READ_BY_CELERY.items():
        text = os.environ.get(variable)
        if text and setting in found and not _says(text, str(found[setting])):
            message = f"Celery believes it more than any setting, unjudged; {remedy}"
            yield Problem("celery-overruled", variable, message)


def _says(text: str, url: str) -> bool:
    """Whether `text` means to Celery what `url` does: the same place, and not a word about how to verify."""
    ours, theirs = _read(url), _read(text)
    return text == url or bool(ours and ours == theirs)


def _read(text: str) -> tuple[object, ...] | None:
    outcome = grammar.read(Secret(text), Origin(""))
    if isinstance(outcome, Connection) and text == text.strip() and "?" not in text:
        return outcome.scheme, outcome.hosts, outcome.user, outcome.password, outcome.dbname
    return None
