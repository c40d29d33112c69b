"""Real servers in every state a certificate can be in, started when first asked for.

Loaded as a plugin by tests/conftest.py, so that every folder of tests can ask for `certificates`,
`lab` and `fake`. What the states are worth is shown by test_lab.py.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

import fakes
from throwaway import certificates as making
from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from throwaway.certificates import Certificates
    from throwaway.server import Server

__all__ = ["STATES", "Lab"]

# state -> name of the certificate (None: no TLS), and whether unencrypted connections are accepted, too
STATES: dict[str, tuple[str | None, bool]] = {
    "good": ("good", False),
    "wronghost": ("wronghost", False),
    "expired": ("expired", False),
    "unknownca": ("unknownca", False),
    "intermediate": ("intermediate", False),
    "both": ("good", True),
    "both_unknownca": ("unknownca", True),
    "notls": (None, True),
}


class Lab:
    """The servers by state: ``lab["expired"]``. Each is started once and lives as long as the session."""

    def __init__(self, template: postgres.Template, certificates: Certificates, cleanup: ExitStack) -> None:
        self._template = template
        self._certificates = certificates
        self._cleanup = cleanup
        self._servers: dict[str, postgres.Server] = {}

    def __getitem__(self, state: str) -> postgres.Server:
        if state not in self._servers:
            name, clear = STATES[state]
            pair = None if name is None else getattr(self._certificates, name)
            self._servers[state] = self._cleanup.enter_context(self._template.running(pair, clear=clear))
        return self._servers[state]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Files for clients (`ca`, `other_ca`, `not_pem`, `missing`), and pairs for servers with `.chain` and `.key`.

    The pairs are `good`, `wronghost`, `expired`, `unknownca` and `intermediate`, made out to ``db.envconn.test``
    (connect with ``hostaddr=127.0.0.1``), ``localhost`` and ``127.0.0.1``; `.issue("name")` makes one more from `ca`.
    """
    return making.write(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def lab(certificates: Certificates) -> Iterator[Lab]:
    """PostgreSQL in the states of `STATES`: ``lab["good"].uri(host, **parameters)``, `.port`, `.user`, `.password`.

    Do not change these servers. A private one, whose certificate can change while it runs::

        with postgres.running(certificates.good) as server:    # from throwaway import postgres
            server.use(certificates.expired)
    """
    with ExitStack() as cleanup:
        try:
            template = cleanup.enter_context(postgres.template())
        except postgres.PostgresUnavailable as reason:
            pytest.skip(f"no PostgreSQL: {reason}")
        yield Lab(template, certificates, cleanup)


@pytest.fixture(scope="module")
def private(certificates: Certificates) -> Iterator[Server]:
    """A PostgreSQL like ``lab["good"]`` that the tests of a module have to themselves: they may change it."""
    with postgres.running(certificates.good) as server:
        yield server


@pytest.fixture
def fake() -> Iterator[Callable[[fakes.Answer], fakes.Fake]]:
    """Start a server that lies: ``fake(Answer.N)``, which tells what it got until the test ends; see `fakes.Fake`."""
    with ExitStack() as cleanup:
        yield lambda answer: cleanup.enter_context(fakes.running(answer))
