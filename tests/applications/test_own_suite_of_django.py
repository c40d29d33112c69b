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

PARTS = ("backends", "transactions", "servers", "test_runner")
# As in tests/test_sqlite.py of Django.
COMMON = """
SECRET_KEY = "a key for tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
"""
OURS = "from envconn_django import databases\nDATABASES = databases()\n"
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


def run(settings: str, directory: Path, applications: Path, **variables: str) -> Numbers:
    """Run the parts of the suite with these settings."""
    (directory / "tested.py").write_text(COMMON + settings, encoding="utf-8")
    words = ("--settings=tested", "--parallel=1", "--noinput", *PARTS)
    command = [str(applications / "bin" / "python"), "runtests.py", *words]
    environ = deployed.environment(PYTHONPATH=str(directory), **variables)
    output = deployed.run(command, applications / "source" / "tests", environ).stderr
    found = re.search(r"^Ran (\d+) tests in [\d.]+s\n\n(.+)$", output, re.MULTILINE)
    assert found, output[-4000:]
    failed = re.findall(r"^(?:FAIL|ERROR): .*$", output, re.MULTILINE)
    return Numbers(int(found[1]), found[2], tuple(sorted(failed)))


def test_the_same_numbers(applications: Path, tmp_path: Path, private: Server, certificates: Certificates) -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)}
    urls = {
        variable: private.uri(**tls).replace("/postgres?", f"/{name}?")
        for variable, name in (("DATABASE_URL", "one"), ("OTHER_DATABASE_URL", "two"))
    }
    ours = run(OURS, tmp_path, applications, **urls)
    by_hand = run(BY_HAND.format(server=private, ca=str(certificates.ca)), tmp_path, applications)
    assert ours == by_hand
    assert not ours.failed
    assert ours.ran > 500
