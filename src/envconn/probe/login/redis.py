"""Redis: a login through redis-py, directly or by sentinels, trusting only the configured CA."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from envconn.connection import Host
from envconn.drivers import redis as arguments
from envconn.errors import Finding, note
from envconn.families import SENTINEL
from envconn.probe.login.outcome import Failure, Outcome, classify, failed_login, left, readable
from envconn.probe.proof import Login
from envconn.tls import TlsLevel
from envconn.tls.policy import Policy, combined, reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from envconn.tls import SecuredConnection


def log_in(connection: SecuredConnection, until: float, _address: str | None) -> Outcome:
    """Log in, to the master that the sentinels name if there are any, and return what the server reports of itself.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires.
    """
    find = (_sentinel_pool if connection.family == SENTINEL else _pool)(connection, until)
    with ExitStack() as cleanup:
        return _converse(connection, find, cleanup)


def _converse(connection: SecuredConnection, find: Callable[[], redis.ConnectionPool], cleanup: ExitStack) -> Outcome:
    try:
        pool = find()
        cleanup.callback(pool.disconnect)
        client = redis.Redis(connection_pool=pool)
        client.ping()
        info = _server_info(client)
    except Exception as error:  # noqa: BLE001 - of what the other side may send, redis-py foresees a part
        return Outcome(problems=(failed_login(connection, _DRIVER, _why(error)),))
    login = _login(connection, info)
    return Outcome(login, notes=tuple(_notes(connection, login)))


_DRIVER = "redis-py"


class _Verifying(redis.SSLConnection):
    """A connection of redis-py whose context trusts the configured CA alone; see `envconn.drivers.redis`."""

    def __init__(self, **given: Any) -> None:
        self._context = arguments.context(given)
        super().__init__(**given)

    def _connect(self) -> Any:
        plain = redis.Connection._connect(self)  # type: ignore[no-untyped-call]  # noqa: SLF001 - its own would wrap
        return arguments.handshake(self._context, plain, self.host, self.socket_connect_timeout, self.socket_timeout)


def _tried_once(given: Mapping[str, Any], until: float) -> dict[str, Any]:
    """Return the `given` arguments of a connection, for a single attempt that ends in time."""
    limit = left(until)
    limits = {name: min(limit, given.get(name) or limit) for name in ("socket_connect_timeout", "socket_timeout")}
    others = {name: value for name, value in given.items() if name not in _POOLS}
    return {**others, **limits, **arguments.staying(redis), "retry": Retry(NoBackoff(), 0)}


_POOLS = ("max_connections", "timeout")
"""Arguments of a pool, which is not used here."""


def _pool(connection: SecuredConnection, until: float) -> Callable[[], redis.ConnectionPool]:
    given = _tried_once(cast("dict[str, Any]", arguments.connection_arguments(connection)), until)
    return lambda: redis.ConnectionPool(connection_class=_kind(connection), decode_responses=True, **given)


def _kind(connection: SecuredConnection) -> type[Any]:
    if connection.hosts[0].is_socket:
        return redis.UnixDomainSocketConnection
    return _Verifying if connection.tls.level >= TlsLevel.ENCRYPTED else redis.Connection


def _sentinel_pool(connection: SecuredConnection, until: float) -> Callable[[], redis.ConnectionPool]:
    """Return the object that asks the sentinels and makes a pool of connections to the master that they name."""
    given: dict[str, Any] = arguments.connection_arguments(connection)
    kind = _kind(connection)
    own = {**_tried_once(given.pop("sentinel_kwargs"), until), "connection_class": kind}
    sentinels = [{**own, "host": host, "port": port} for host, port in given.pop("sentinels")]
    name, others = given.pop("master_name"), given.pop("min_other_sentinels")
    waived = given.pop("unencrypted_to", None)

    def find() -> redis.ConnectionPool:
        host, port = _master(sentinels, name, others)
        if waived is not None and not reach((Host(host, port),), combined(Policy(waive=tuple(waived)))).exempt:
            raise redis.ConnectionError("the sentinels name a master on another machine, and there is no TLS")
        place = {**_tried_once(given, until), "host": host, "port": port}
        return redis.ConnectionPool(connection_class=kind, decode_responses=True, **place)

    return find


def _master(sentinels: list[dict[str, Any]], name: str, others: int) -> tuple[str, int]:
    """Return host and port of the master, from the first sentinel that knows it.

    Raises:
        MasterNotFoundError: no sentinel knows it; the cause is the failure of the first.
    """
    errors: list[Exception] = []
    judge = Sentinel([], others, sentinel_kwargs={})  # type: ignore[no-untyped-call]
    for masters in _masters(sentinels, errors):
        state = masters.get(name)
        if state and judge.check_master_state(state, name):  # type: ignore[no-untyped-call]
            return state["ip"], state["port"]
    raise MasterNotFoundError from next(iter(errors), None)


def _masters(sentinels: list[dict[str, Any]], errors: list[Exception]) -> Iterator[Mapping[str, dict[str, Any]]]:
    """Yield the masters that each sentinel reports; failures are added to `errors`."""
    for given in sentinels:
        pool = redis.ConnectionPool(**given)
        try:
            yield cast("Mapping[str, dict[str, Any]]", redis.Redis(connection_pool=pool).sentinel_masters())
        except (redis.ConnectionError, redis.TimeoutError) as error:
            errors.append(error)
        finally:
            pool.disconnect()


def _server_info(client: Any) -> Mapping[str, object]:
    """Return what the server reports about itself; nothing if the user has no right to ask (``NOPERM``)."""
    with suppress(redis.ResponseError):
        return cast("Mapping[str, object]", client.info())
    return {}


def _login(connection: SecuredConnection, info: Mapping[str, object]) -> Login:
    def number(name: str) -> int | None:
        value = info.get(name)
        return value if isinstance(value, int) else None

    role = info.get("role")
    return Login(
        _DRIVER,
        connection.user or "default",
        connection.dbname,
        readable(info.get("redis_version")),
        role == "slave" if role else None,
        connections=number("connected_clients"),
        max_connections=number("maxclients"),
    )


def _notes(connection: SecuredConnection, login: Login) -> Iterator[Finding]:
    if login.read_only and not connection.read_only:
        yield note("primary-is-read-only", connection.origin.variable, _REPLICA)
    used, limit = login.connections, login.max_connections
    if used is not None and limit and (limit - used < _FEW or (limit - used) * 10 < limit):
        message = f"{used} of the server's {limit} connections are in use. Close some, or raise maxclients"
        yield note("connections-scarce", connection.origin.variable, message)


_FEW = 5
_REPLICA = "the server is a replica, which is read-only. Use the primary's endpoint"


def _why(error: BaseException) -> Failure:
    if isinstance(error, MasterNotFoundError):
        return _why(error.__cause__) if error.__cause__ else Failure("master-unknown")
    for kind, code in _BY_TYPE:
        if isinstance(error, kind):
            return Failure(code)
    # Redis has English messages only.
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
    ("MASTERDOWN", "server-starting"),  # redis-py 5 has no class for it
)
