"""redis-py's pool, with connections that trust the stated CA and no other."""

from typing import Any

import redis

from envconn.drivers.redis import context

__all__ = ["VerifyingConnection", "VerifyingPool"]


class VerifyingConnection(redis.Connection):
    """A connection over TLS that takes the ``ssl_`` arguments of redis-py, with the context of `envconn`."""

    def __init__(self, **arguments: Any) -> None:  # what redis-py says
        self._context = context(arguments)
        others = {name: value for name, value in arguments.items() if not name.startswith("ssl_")}
        super().__init__(**others)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        return self._context.wrap_socket(super()._connect(), server_hostname=self.host)  # type: ignore[no-untyped-call]


class VerifyingPool(redis.ConnectionPool):
    """A pool of them."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**{**arguments, "connection_class": VerifyingConnection})
