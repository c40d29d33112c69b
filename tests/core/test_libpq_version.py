"""The version of the libpq that a driver carries: by the name of its file where psycopg is not imported, and true."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from envconn.drivers import libpq

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = "psycopg_binary.libs/libpq-e9b5c9ac.so.5.17"
WHEEL = ("psycopg/", "psycopg_binary/", LIBRARY)
FOUND = {
    "the wheel": (WHEEL, ""),
    "the wheel, asked for": (WHEEL, "binary"),
    "in capital letters, as psycopg reads it": (WHEEL, "BINARY"),
    "other libraries beside it": ((*WHEEL, "psycopg_binary.libs/libssl-1.so.3", "psycopg_binary.libs/libpq.so.5"), ""),
}
UNKNOWN = {
    "nothing": ((), ""),
    "psycopg alone": (("psycopg/",), ""),
    "no psycopg": (WHEEL[1:], ""),
    "linked with the system's": ((*WHEEL, "psycopg_c/"), ""),
    "the system's, asked for": (WHEEL, "python"),
    "the other one, asked for": (WHEEL, "c"),
    "no library": (WHEEL[:2], ""),
    "no number, as on macOS": ((*WHEEL[:2], "psycopg_binary.libs/libpq.5.dylib"), ""),
    "no version": ((*WHEEL[:2], "psycopg_binary.libs/libpq-e9b5c9ac.so.5.beta"), ""),
    "two libraries": ((*WHEEL, "psycopg_binary.libs/libpq-00000000.so.5.16"), ""),
}


def installed(place: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Make the files and folders `names` in the second of two folders, and return the path to search."""
    for name in names:
        path = place / "second" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    return (str(place / "first"), str(place / "second"))


@pytest.mark.parametrize("case", FOUND)
def test_major_version_of_a_wheel(tmp_path: Path, case: str) -> None:
    names, implementation = FOUND[case]
    assert libpq._in_wheel(installed(tmp_path, names), implementation) == 170000


@pytest.mark.parametrize("case", UNKNOWN)
def test_only_psycopg_knows(tmp_path: Path, case: str) -> None:
    names, implementation = UNKNOWN[case]
    assert libpq._in_wheel(installed(tmp_path, names), implementation) is None


@pytest.mark.measured
def test_version_is_that_of_the_library() -> None:
    code = "import sys; from envconn.drivers import libpq; print(libpq.version('psycopg'), 'psycopg' in sys.modules)"
    version, imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.split()
    if imported == b"False":
        assert int(version) == psycopg.pq.version() // 10000 * 10000
    else:
        assert int(version) == psycopg.pq.version()


def test_once_imported_psycopg_is_asked() -> None:
    assert libpq.version("psycopg") == psycopg.pq.version()
