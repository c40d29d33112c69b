"""What stands in for a PostgreSQL with TLS, where the handshake is what is tested: no PostgreSQL is needed."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from envconn.testing.postgres.certificates import STATES, Authority
from envconn.testing.postgres.client import Client
from envconn.testing.postgres.standin import StandIn, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STATES", "Client", "PostgresTLS", "StandIn", "envconn_authority", "postgres_tls", "stand_in"]


class PostgresTLS:
    """Starts servers: ``postgres_tls("expired")``. Each runs until the test ends."""

    def __init__(self, authority: Authority, cleanup: ExitStack) -> None:
        self._authority = authority
        self._cleanup = cleanup

    def __call__(self, state: str = "good") -> StandIn:
        """Start one in `state`, which is one of `STATES`; all of them have the same CA for their clients to trust.

        Raises:
            ValueError: there is no such state.
        """
        return self._cleanup.enter_context(stand_in(state, authority=self._authority))


@pytest.fixture(scope="session")
def envconn_authority() -> Authority:
    """The CA behind `postgres_tls`, made once for a session."""
    return Authority()


@pytest.fixture
def postgres_tls(envconn_authority: Authority) -> Iterator[PostgresTLS]:
    """Starts what stands in for a PostgreSQL with TLS, each until the test ends.

    After ``server = postgres_tls("good")``, ``server.environment()`` are variables for `envconn.load`, and
    ``server.clients`` is what was seen of who came.
    """
    with ExitStack() as cleanup:
        yield PostgresTLS(envconn_authority, cleanup)
