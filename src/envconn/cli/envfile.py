"""A ``.env`` file that gets one more assignment: all of it or nothing, and for its owner's eyes only."""

from __future__ import annotations

import os
from contextlib import suppress
from tempfile import mkstemp

from envconn.errors import ConfigurationError, Problem
from envconn.sources.dotenv import LIMIT, assigned
from envconn.sources.files import read_text

__all__ = ["read", "write"]


def read(path: str) -> str | Problem:
    """Return what the file `path` holds, nothing if there is none yet, or why it cannot be written."""
    # Somebody may hand over the text of a connection for the path of a file, and would read it in the message.
    shown = "--env-file" if "://" in path else path
    folder = os.path.dirname(os.path.realpath(path))
    if not (path and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        return Problem("env-file-unwritable", shown, _UNWRITABLE)
    if not os.path.exists(path):
        return ""
    content = read_text(path, shown, LIMIT)
    return content if isinstance(content, Problem) else content.reveal()


def write(path: str, before: str, name: str, value: str) -> None:
    """Replace the file `path`, which held `before`, by one in which `name` is `value`; its mode becomes 0600.

    Raises:
        ConfigurationError: it cannot be written, or what it held would take the assignment for something else.
    """
    content = assigned(before, name, value)
    problem = _replace(os.path.realpath(path), content, path) if content is not None else _swallowed(path)
    del before, content, value
    if problem:
        raise ConfigurationError([problem])


def _replace(target: str, content: str, path: str) -> Problem | None:
    partial = ""
    try:
        descriptor, partial = mkstemp(prefix=".envconn-", dir=os.path.dirname(target))  # for its owner alone
        with open(descriptor, "wb") as stream:
            stream.write(content.encode())
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, target)
    except OSError:
        with suppress(OSError):
            os.unlink(partial)
        return Problem("env-file-unwritable", path, _UNWRITABLE)
    return None


def _swallowed(path: str) -> Problem:
    message = "a line that is no assignment would swallow what is added; write NAME='value' there, quotes closed"
    return Problem("dotenv-syntax", path, message)


_UNWRITABLE = "cannot be written; name a file in a directory that this user may write to"
