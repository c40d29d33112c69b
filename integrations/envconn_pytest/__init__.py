"""A pytest plugin for applications that use envconn: ``pytest_plugins = ["envconn_pytest"]``.

- `envconn_environment`: a fixture, an environment without any setting of this machine;
- `sample`: the variables that a platform sets, with credentials that are not valid anywhere;
- `postgres_tls`: a fixture that starts servers with TLS, with right and wrong certificates; `stand_in` without
  pytest's fixtures;
- a guard that ends a session before it begins if the environment leads to a database that is not for tests.

It is loaded by name, without an entry point of pytest (``pytest11``): that would put a guard that refuses sessions,
and an import of envconn before coverage starts, into every run of every user of envconn.

PYTEST_DONT_REWRITE: it contains no assertions, and a ``conftest.py`` may import it before pytest does.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from contextlib import contextmanager

import pytest

import envconn
from envconn.selection.variables import is_read
from envconn_pytest.guard import pytest_addoption as pytest_addoption  # pytest finds its hooks by their names
from envconn_pytest.guard import pytest_sessionstart as pytest_sessionstart
from envconn_pytest.platforms import providers, sample
from envconn_pytest.tls_server import PostgresTLS, StandIn, envconn_authority, postgres_tls, stand_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envconn import Policy, Services


__all__ = [
    "IsolatedEnvironment",
    "PostgresTLS",
    "StandIn",
    "envconn_authority",
    "envconn_environment",
    "postgres_tls",
    "providers",
    "sample",
    "stand_in",
]


_PREFIXES = (
    "PG",  # libpq, all of it
    *("SSLKEYLOGFILE", "SSL_CERT_"),  # OpenSSL, and Python's ssl module
    *("CC_PGPOOL_", "HEROKU_", "NEON_", "PLATFORM_", "RDS_", "SCALINGO_", "VCAP_"),
    "CREDENTIALS_DIRECTORY",  # systemd
)
"""Variables that affect connections, in addition to those that envconn reads by name."""


class IsolatedEnvironment(MutableMapping[str, str]):
    """The environment of this process during a test, as a mapping: ``env["DATABASE_URL"] = "..."``.

    `home` and `directory` are the home and the working directory, both empty at first; a file ``.env`` in the latter
    is read. Its `repr` shows no value.
    """

    def __init__(self, home: Path, directory: Path) -> None:
        self.home = home
        self.directory = directory
        self._before: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def __delitem__(self, name: str) -> None:
        self._before.setdefault(name, os.environ[name])
        del os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(os.environ))

    def __len__(self) -> int:
        return len(os.environ)

    def __repr__(self) -> str:
        return f"<IsolatedEnvironment: {', '.join(sorted(filter(_decides, self))) or 'nothing set'}>"

    def __sentry_repr__(self) -> str:
        return repr(self)

    def load(self, *, policy: Policy | None = None) -> Services:
        """Return what the environment configures now; `policy` is that of `envconn.load`.

        Raises:
            ConfigurationError: anything is wrong.
        """
        return envconn.load(policy=policy)

    def clear_decisive(self) -> None:
        """Remove every variable that affects a connection."""
        for name in filter(_decides, self):
            del self[name]

    def restore(self) -> None:
        """Restore the environment, and remove variables that affect a connection and were set meanwhile."""
        for name in filter(_decides, self):
            del os.environ[name]
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _decides(name: str) -> bool:
    # A name in another case is read by no program here, only named in messages.
    return is_read(name.upper()) or name.startswith(_PREFIXES)


@contextmanager
def isolated(root: Path) -> Iterator[IsolatedEnvironment]:
    """Isolate this process until the block ends. `root` is an empty directory, for home and working directory."""
    environment = IsolatedEnvironment(root / "home", root / "work")
    before = os.getcwd()
    for place in (environment.home, environment.directory):
        place.mkdir()
    try:
        environment.clear_decisive()
        environment["HOME"] = str(environment.home)
        os.chdir(environment.directory)
        yield environment
    finally:
        os.chdir(before)
        environment.restore()


@pytest.fixture
def envconn_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IsolatedEnvironment]:
    """An environment without the settings of this machine, restored after the test.

    Variables that envconn reads are removed, and so are libpq's (``PG*``), those by which OpenSSL finds CAs or logs
    keys, and those that platforms set. ``HOME`` and the working directory are empty, so that ``~/.postgresql``,
    ``~/.pgpass``, ``~/.pg_service.conf`` and ``.env`` have no effect.
    """
    with isolated(tmp_path_factory.mktemp("envconn")) as environment:
        yield environment
