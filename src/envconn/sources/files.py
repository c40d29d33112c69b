"""Values kept in files: the ``NAME_FILE`` convention of Docker, Podman and Kubernetes mounts.

A file is read whole. It must be regular, with at most `LIMIT` bytes of UTF-8; newlines before and after the value,
which editors and ``echo`` add, are removed. The path is never part of a message: some users set the variable
to the secret itself instead of a path.
"""

from __future__ import annotations

import os
import stat

from envconn.connection import Secret
from envconn.errors import Finding, files_exhausted, problem
from envconn.records import Record

LIMIT = 65_536
"""The largest file that is read, in bytes. Platforms limit one variable to half of it or less."""


class Content(Record):
    """The content of a file: its text without newlines around it, and its path."""

    text: Secret
    path: str


def read(pointer: Secret, variable: str, directory: str = "") -> Content | Finding:
    """Read the file that `pointer` names, as seen from `directory`. `variable` holds the path, for messages."""
    path = pointer.reveal().strip()
    if "://" in path:
        return problem(
            "file-is-url",
            variable,
            "holds a URL, but the path of a file is expected. Move the URL to the variable without _FILE",
        )
    text = read_value(os.path.join(directory, path), variable)
    return text if isinstance(text, Finding) else Content(text, path)


def read_value(path: str, variable: str, limit: int = LIMIT) -> Secret | Finding:
    """Return the value in the file at `path`, without newlines around it, or the `Finding` with its problem."""
    content = read_text(path, variable, limit)
    if isinstance(content, Finding):
        return content
    text = content.reveal().strip("\r\n")
    if not text.strip():
        return problem("file-empty", variable, "the file is empty. Write the value into it")
    return Secret(text)


def read_text(path: str, variable: str, limit: int) -> Secret | Finding:
    """Return the text of a regular UTF-8 file of at most `limit` bytes, or the `Finding` with its problem."""
    raw = _read_bytes(path, variable, limit + 1)
    if isinstance(raw, Finding):
        return raw
    if len(raw) > limit:
        return problem(
            "file-too-large",
            variable,
            f"the file is larger than {limit} bytes. Name a file that holds this value alone",
        )
    try:
        return Secret(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return problem("file-binary", variable, "the file is not UTF-8 text. Write the value as plain text")


def _read_bytes(path: str, variable: str, most: int) -> bytes | Finding:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return problem("file-directory", variable, "the path is a directory. Name the file in it")
        if not stat.S_ISREG(mode):
            return problem("file-special", variable, "the path is a pipe or a device. Name a regular file")
        with open(path, "rb", opener=without_waiting) as stream:
            return stream.read(most) or b""
    except (OSError, ValueError) as failure:
        code, reason = _FAILURES.get(type(failure), _UNREADABLE)
        return files_exhausted(variable) or problem(code, variable, reason)


def without_waiting(path: str, flags: int) -> int:
    """Return the descriptor of a file that does not wait for content; an opener for `open`.

    A file below ``/proc`` or ``/sys`` may be regular, and have nothing to read for ever (``/proc/kmsg``).
    """
    return os.open(path, flags | _NONBLOCK)


_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)  # Windows has neither the flag nor such files


def listing(path: str, variable: str) -> tuple[str, ...] | Finding:
    """Return the sorted names in the directory `path`, or the `Finding` with its problem; `variable` holds the path."""
    try:
        return tuple(sorted(os.listdir(path)))
    except (FileNotFoundError, NotADirectoryError):
        return problem("directory-missing", variable, "the directory does not exist. Mount it, or unset the variable")
    except (OSError, ValueError):
        return problem(
            "directory-unreadable", variable, ("the directory is not readable by this user. Change its owner or mode")
        )


_UNREADABLE = ("file-unreadable", "the file cannot be read. Check the path and its permissions")

_FAILURES: dict[type[Exception], tuple[str, str]] = {
    FileNotFoundError: ("file-missing", "the file does not exist. Mount it, or correct the path"),
    NotADirectoryError: ("file-missing", "the file does not exist. Mount it, or correct the path"),
    PermissionError: ("file-unreadable", "the file is not readable by this user. Change its owner or mode"),
}
