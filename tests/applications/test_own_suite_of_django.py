"""A part of Django's own test suite, with `databases()` and with settings written by hand: the same numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

import deployed

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.application

PARTS = ("backends", "transactions", "servers")
# As in tests/test_sqlite.py of Django.
COMMON = """
SECRET_KEY = "a key for tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
"""
OURS = "from envconn_django import databases\nDATABASES = databases({})\n"
BY_HAND = """
DATABASES = {{
    alias: {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": {server.user!r},
        "PASSWORD": {server.password!r},
        "HOST": "localhost",
        "PORT": "{server.port}",
        "OPTIONS": {{"sslmode": "verify-full", "sslrootcert": {ca!r}}},
    }}
    for alias, name in [("default", "one"), ("other", "two")]
}}
"""


class Numbers(NamedTuple):
    """What a run of the suite says at its end, and which tests were not good."""

    ran: int
    end: str
    failed: tuple[str, ...]


def run(parts: tuple[str, ...], settings: str, directory: Path, applications: Path, **variables: str) -> Numbers:
    """Run parts of the suite with these settings."""
    (directory / "tested.py").write_text(COMMON + settings, encoding="utf-8")
    words = ("--settings=tested", "--parallel=1", "--noinput", *parts)
    command = [str(applications / "bin" / "python"), "runtests.py", *words]
    environ = deployed.environment(PYTHONPATH=str(directory), **variables)
    output = deployed.run(command, applications / "source" / "tests", environ, seconds=1200).stderr
    found = re.search(r"^Ran (\d+) tests in [\d.]+s\n\n(.+)$", output, re.MULTILINE)
    assert found, output[-4000:]
    failed = re.findall(r"^(?:FAIL|ERROR): .*$", output, re.MULTILINE)
    return Numbers(int(found[1]), found[2], tuple(sorted(failed)))


# Some tests of the runner write the settings into a file, which what follows a rotation cannot be written to.
@pytest.mark.parametrize(
    ("parts", "arguments", "least"), [(PARTS, ("", "rotate=True"), 400), (("test_runner",), ("",), 150)]
)
def test_the_same_numbers(
    applications: Path,
    tmp_path: Path,
    private: Server,
    certificates: Certificates,
    parts: tuple[str, ...],
    arguments: tuple[str, ...],
    least: int,
) -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    urls = {
        variable: private.uri(**tls).replace("/postgres?", f"/{name}?")
        for variable, name in (("DATABASE_URL", "one"), ("OTHER_DATABASE_URL", "two"))
    }
    by_hand = run(parts, BY_HAND.format(server=private, ca=str(certificates.ca)), tmp_path, applications)
    assert not by_hand.failed
    assert by_hand.ran > least
    for stated in arguments:
        assert run(parts, OURS.format(stated), tmp_path, applications, **urls) == by_hand
