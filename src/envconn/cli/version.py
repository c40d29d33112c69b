"""``envconn --version``: print the version; with ``--verbose``, those of everything that makes a connection."""

from __future__ import annotations

import os
import platform
import ssl
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from envconn.drivers import libpq
from envconn.exit_codes import EX_OK
from envconn.tls.ca import BUNDLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def run(*, verbose: bool) -> int:
    """Print the version and return the exit code."""
    print(f"envconn {version('envconn')}")
    for label, value in _used() if verbose else ():
        print(f"{label}: {value}")
    return EX_OK


def _used() -> Iterator[tuple[str, str]]:
    yield "Python", f"{platform.python_version()} ({sys.executable})"
    yield "platform", platform.platform()
    yield "OpenSSL", f"{ssl.OPENSSL_VERSION} (Python's)"
    yield from _libpqs()
    for name in _DISTRIBUTIONS:
        if found := _version(name):
            yield name, found
    yield from _ca_places()


_DISTRIBUTIONS = (
    *("psycopg", "psycopg-c", "psycopg-binary", "psycopg2", "psycopg2-binary", "asyncpg", "pg8000"),
    *("PyMySQL", "mysqlclient", "redis", "amqp", "httpx"),
    *("Django", "Flask", "Flask-SQLAlchemy", "SQLAlchemy", "celery"),
    *("pydantic-settings", "python-dotenv"),
)
"""Drivers, frameworks and readers of settings, by the names of their distributions."""


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _libpqs() -> Iterator[tuple[str, str]]:
    """Yield the version of the libpq that each driver is linked with."""
    for driver in ("psycopg", "psycopg2"):
        with suppress(ImportError):
            number = libpq.version(driver)
            yield f"libpq of {driver}", f"{number // 10_000}.{number % 10_000}"


def _ca_places() -> Iterator[tuple[str, str]]:
    """Yield the places where CAs are looked for: Python's OpenSSL first, then the bundles of operating systems."""
    paths = ssl.get_default_verify_paths()
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"):
        if name in os.environ:
            yield name, os.environ[name]
    yield "CA file", paths.cafile or f"{paths.openssl_cafile} (does not exist)"
    yield "CA directory", paths.capath or f"{paths.openssl_capath} (does not exist)"
    yield "CA bundle", next(filter(os.path.isfile, BUNDLES), "not found")
