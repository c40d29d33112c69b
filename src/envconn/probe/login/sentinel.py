"""The Redis that sentinels name, through redis-py: both legs, on connections that trust the stated CA and no other."""

from __future__ import annotations

from typing import cast

from envconn.drivers import redis
from envconn.drivers.redis_client import SentinelPool
from envconn.probe.login.redis import converse, hasty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn.probe.login.outcome import Outcome
    from envconn.tls import SecuredConnection

__all__ = ["log_in"]


def log_in(connection: SecuredConnection, until: float) -> Outcome:
    """Ask the sentinels, log in to the master that they name, and ask what the user may ask.

    Raises:
        ConfigurationError: redis-py cannot do what the connection asks for.
    """
    given = cast("dict[str, Any]", redis.sentinel_arguments(connection))
    asked = hasty(given.pop("sentinel_kwargs"), until)
    del asked["retry"]  # the pool has its own
    return converse(connection, SentinelPool(**hasty(given, until), sentinel_kwargs=asked, decode_responses=True))
