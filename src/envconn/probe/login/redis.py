"""Redis through redis-py, directly or by sentinels, on connections that trust the stated CA and no other."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from envconn.drivers import redis as arguments
from envconn.errors import Finding, note
from envconn.probe.login.outcome import Failure, Outcome, classify, failed_login, left, readable
from envconn.probe.proof import Login
from envconn.tls import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from envconn.tls import SecuredConnection


def log_in(connection: SecuredConnection, until: float) -> Outcome:
    """Log in, to the master that sentinels name where they do, choose the database, and ask what the user may ask.

    Raises:
        ConfigurationError: redis-py cannot do what the connection asks for.
    """
    make_pool = _sentinel_pool if connection.family == "sentinel" else _pool
    pool = make_pool(connection, until)
    client = redis.Redis(connection_pool=pool)
    try:
        client.ping()
        told = _told(client)
    except Exception as error:  # noqa: BLE001 - of what the other side may send, redis-py foresees a part
        return Outcome(problems=(failed_login(connection, _DRIVER, _why(error)),))
    finally:
        pool.disconnect()
    login = _login(connection, told)
    return Outcome(login, notes=tuple(_notes(connection, login)))


_DRIVER = "redis-py"


class _Verifying(redis.SSLConnection):
    """One of redis-py's, with a context that trusts the stated CA alone; see `envconn.drivers.redis`."""

    def __init__(self, **given: Any) -> None:
        self._context = arguments.context(given)
        super().__init__(**given)

    def _connect(self) -> Any:
        plain = redis.Connection._connect(self)  # type: ignore[no-untyped-call]  # noqa: SLF001 - its own would wrap
        return arguments.handshake(self._context, plain, self.host, self.socket_connect_timeout, self.socket_timeout)


def _tried_once(given: Mapping[str, Any], until: float) -> dict[str, Any]:
    """Return what is `given` to a connection, for one that is tried once and gives up by then."""
    limit = left(until)
    limits = {name: min(limit, given.get(name) or limit) for name in ("socket_connect_timeout", "socket_timeout")}
    kept = {name: value for name, value in given.items() if name not in _POOLS}
    return {**kept, **limits, "retry": Retry(NoBackoff(), 0)}


_POOLS = ("max_connections", "timeout")
"""What is a pool's, and there is none to speak of."""


def _pool(connection: SecuredConnection, until: float) -> redis.ConnectionPool:
    given = _tried_once(cast("dict[str, Any]", arguments.arguments(connection)), until)
    given |= {"db": int(connection.dbname), "decode_responses": True}
    [host] = connection.hosts
    if host.is_socket:
        return redis.ConnectionPool(**given, connection_class=redis.UnixDomainSocketConnection, path=host.host)
    encrypted = connection.tls.level >= TlsLevel.ENCRYPTED
    kind = _Verifying if encrypted else redis.Connection
    return redis.ConnectionPool(**given, connection_class=kind, host=host.host, port=host.port)


def _sentinel_pool(connection: SecuredConnection, until: float) -> redis.ConnectionPool:
    from envconn.drivers.redis_client import SentinelPool

    given = cast("dict[str, Any]", arguments.sentinel_arguments(connection))
    asked = _tried_once(given.pop("sentinel_kwargs"), until)
    del asked["retry"]  # the pool has its own
    return SentinelPool(**_tried_once(given, until), sentinel_kwargs=asked, decode_responses=True)


def _told(client: Any) -> Mapping[str, object]:
    """What the server says of itself; nothing where the user may not ask (``NOPERM``)."""
    with suppress(redis.ResponseError):
        return cast("Mapping[str, object]", client.info())
    return {}


def _login(connection: SecuredConnection, told: Mapping[str, object]) -> Login:
    def number(name: str) -> int | None:
        value = told.get(name)
        return value if isinstance(value, int) else None

    role = told.get("role")
    return Login(
        _DRIVER,
        connection.user or "default",
        connection.dbname,
        readable(told.get("redis_version")),
        role == "slave" if role else None,
        connections=number("connected_clients"),
        max_connections=number("maxclients"),
    )


def _notes(connection: SecuredConnection, login: Login) -> Iterator[Finding]:
    if login.read_only and not connection.read_only:
        yield note("primary-is-read-only", connection.variable, _REPLICA)
    used, limit = login.connections, login.max_connections
    if used is not None and limit and (limit - used < _FEW or (limit - used) * 10 < limit):
        message = f"{used} of the server's {limit} connections are in use; close some, or raise maxclients"
        yield note("connections-scarce", connection.variable, message)


_FEW = 5
_REPLICA = "the server is another one's replica, where nothing can be written; name the primary's endpoint"


def _why(error: BaseException) -> Failure:
    if isinstance(error, MasterNotFoundError):
        return _why(error.__cause__) if error.__cause__ else Failure("master-unknown")
    for kind, code in _BY_TYPE:
        if isinstance(error, kind):
            return Failure(code)
    # Redis speaks English only.
    return next((Failure(code) for words, code in _SAID if words in str(error)), _otherwise(error))


def _otherwise(error: BaseException) -> Failure:
    if isinstance(error, redis.ResponseError):
        return Failure("login-refused")
    found = classify(error)
    if found.code == "protocol-unexpected" and isinstance(error, redis.ConnectionError):
        return Failure("connection-closed")
    return found


_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (redis.BusyLoadingError, "server-starting"),
    (redis.AuthenticationError, "password-refused"),
    (redis.exceptions.AuthenticationWrongNumberOfArgsError, "password-refused"),
    (redis.exceptions.NoPermissionError, "permission-denied"),
    (redis.exceptions.MasterDownError, "server-starting"),
    (redis.TimeoutError, "timed-out"),
)
_SAID = (
    ("max number of clients", "server-full"),
    ("DB index", "database-absent"),
    ("MASTERDOWN", "server-starting"),  # redis-py 5 has no class of its own for it
)
