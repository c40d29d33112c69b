"""What can stand at a path instead of a file with a value, the code of the problem with each, and no file at all."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

from envconn.sources.files import LIMIT
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["MARKER", "WRONG", "dangling", "loop", "no_descriptor_left"]

"""What a message must not hold."""


def directory(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("absent"))


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def waiting(path: Path) -> None:
    """Make a file that is regular and has nothing to read for ever, or is only readable to root."""
    path.symlink_to("/proc/kmsg")


def endless(path: Path) -> None:
    """Make a file that takes no room, and is larger than what may be read at once."""
    path.touch()
    os.truncate(path, 1 << 40)


def content(raw: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(raw)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "dangling": (dangling, "file-missing"),
    "directory": (directory, "file-directory"),
    "pipe": (pipe, "file-special"),
    "device": (device, "file-special"),
    "waiting": (waiting, "file-empty"),
    "loop": (loop, "file-unreadable"),
    "empty": (content(b""), "file-empty"),
    "newline": (content(b"\n"), "file-empty"),
    "blank": (content(b" \t\r\n"), "file-empty"),
    "utf-16": (content(b"\xff\xfe" + MARKER.encode("utf-16-le")), "file-binary"),
    "latin-1": (content(MARKER.encode() + b"\xe9"), "file-binary"),
    "huge": (content(MARKER.encode() * LIMIT), "file-too-large"),
    "without-end": (endless, "file-too-large"),
    "one-byte-too-many": (content(b"y" * (LIMIT + 1)), "file-too-large"),
}


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Have as many files open as this process may have."""
    free, (soft, hard) = os.open(os.devnull, os.O_RDONLY), resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
