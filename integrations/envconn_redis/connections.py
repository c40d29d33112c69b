"""redis-py's connections, pools and credential provider.

The context of the connections is that of `envconn.drivers.redis`, which trusts only the stated CA.

redis-py can only get another context through a class. Settings name these classes (Django's ``pool_class``),
and redis-py's users load them by that name.
"""

from __future__ import annotations

from typing import cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool, SentinelManagedConnection

from envconn.connection import Host
from envconn.drivers import redis as driver
from envconn.drivers.redis import context, handshake
from envconn.drivers.ssl_context import remembered
from envconn.drivers.unsupported import refuse
from envconn.families import SENTINEL
from envconn.records import Record
from envconn.rotation import login
from envconn.rotation.passwords import awith_current_password, with_current_password
from envconn.services import Services, database, in_use
from envconn.tls import TlsLevel
from envconn.tls.policy import Policy, combined, reach
from envconn.tls.secured import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType
    from typing import Any, Self

    from envconn import SecuredConnection


def pool(source: Services | SecuredConnection, stated: Mapping[str, Any]) -> redis.ConnectionPool:
    """Return a pool for the connection of `source`, which is read again for each login.

    `stated` are the program's own options.

    Raises:
        ConfigurationError: redis-py does not support what the connection requires, or `stated` would weaken it.
        TypeError: the connection was not judged.
    """
    classes = Classes(
        library=redis,
        pool=redis.ConnectionPool,
        plain=redis.Connection,
        socket=redis.UnixDomainSocketConnection,
        verifying=VerifyingConnection,
        sentinel_pool=SentinelPool,
        sentinel=SentinelConnection,
        sentinel_unencrypted=SentinelUnencryptedConnection,
        following=following,
    )
    made: redis.ConnectionPool = make_pool(classes, source, stated)
    return made


class Classes(Record):
    """The classes of one kind, blocking or for coroutines; `following` is the function of that name beside them."""

    library: ModuleType
    pool: type[Any]
    plain: type[Any]
    socket: type[Any]
    verifying: type[Any]
    sentinel_pool: type[Any]
    sentinel: type[Any]
    sentinel_unencrypted: type[Any]
    following: Callable[[type[Any], Services | SecuredConnection, SecuredConnection], type[Any]]


def make_pool(classes: Classes, source: Services | SecuredConnection, stated: Mapping[str, Any]) -> Any:
    """Return a pool for `source` and the options `stated` as `pool` does, made of `classes`."""
    connection = without_password(database(source))
    given: dict[str, Any] = driver.merged(connection, stated)
    kind = _connection_class(classes, connection)
    made = classes.sentinel_pool if connection.family == SENTINEL else classes.pool
    given |= driver.staying(classes.library)
    return made(**given, connection_class=classes.following(kind, source, connection))


def _connection_class(classes: Classes, connection: SecuredConnection) -> type[Any]:
    if connection.family == SENTINEL:
        return classes.sentinel if encrypted(connection) else classes.sentinel_unencrypted
    if connection.hosts[0].is_socket:
        return classes.socket
    return classes.verifying if encrypted(connection) else classes.plain


def encrypted(connection: SecuredConnection) -> bool:
    """Whether connections of redis-py for `connection` require TLS."""
    return connection.tls.level >= TlsLevel.ENCRYPTED


def following(
    kind: type[Any], source: Services | SecuredConnection, used: SecuredConnection, *, elsewhere: Iterable[str] = ()
) -> type[Any]:
    """Return a `kind` of connection that logs in with the current `source`; the pool was made for `used`.

    `elsewhere` are arguments that another library states.
    """
    renew = renewing(used, elsewhere)

    class Connection(kind):  # type: ignore[misc]
        def connect(self) -> None:
            opened = super().connect

            def log_in(judged: SecuredConnection) -> None:
                renew(self, judged)
                opened()

            if not self._sock:
                login(source, log_in)

    return Connection


def renewing(used: SecuredConnection, elsewhere: Iterable[str] = ()) -> Callable[[Any, SecuredConnection], None]:
    """Return the function that makes a connection of redis-py log in as another connection than the `used` one.

    The class of the connection stays the same, so TLS and sockets cannot be added or removed, nor can sentinels be
    replaced. Arguments that are stated `elsewhere` are left alone.
    """
    renewed = [name for name in _RENEWED if name not in elsewhere]
    trusted = remembered(lambda judged: context(driver.connection_arguments(judged)))

    def renew(connection: Any, judged: SecuredConnection) -> None:
        if _shape(judged) != _shape(used) or not _asks_only(used, judged):
            refuse(judged, _RESTART)
        given: Mapping[str, Any] = driver.connection_arguments(judged)
        for name in renewed:
            # The address of a master comes from the sentinels.
            if name in given or name in _LOGIN:
                setattr(connection, name, given.get(name))
        if encrypted(judged):
            connection._context = trusted(judged)  # noqa: SLF001 - one of our own
        if judged.family == SENTINEL:
            manager = connection.connection_pool.sentinel_manager
            manager.arguments.update(driver.sentinels(judged)["sentinel_kwargs"])

    return renew


_LOGIN = ("username", "password")
_RENEWED = (*_LOGIN, "db", "host", "port", "path")
_RESTART = "uses TLS or sentinels differently than when the process started. Restart the process"


def _shape(connection: SecuredConnection) -> tuple[object, ...]:
    return connection.family, connection.hosts[0].is_socket, encrypted(connection)


def _asks_only(used: SecuredConnection, judged: SecuredConnection) -> bool:
    """Whether the pool for `used` asks only sentinels of `judged`, which are sent its passwords, for its master."""
    if used.family != SENTINEL:
        return True
    names = {each.parameters["master_name"] for each in (used, judged)}
    return len(names) == 1 and {*used.hosts} <= {*judged.hosts}


class OneCA:
    """A mixin for connections of redis-py with TLS: the context trusts what their ``ssl_`` arguments name, only."""

    def __init__(self, **arguments: Any) -> None:  # redis-py's arguments
        self._context: ssl.SSLContext | None = None
        self._tls = {name: value for name, value in arguments.items() if name.startswith("ssl_")}
        super().__init__(**arguments)

    def _trusted(self) -> ssl.SSLContext:
        """Return the context of the services that are followed, or a new one, because files may be replaced."""
        return self._context or context(self._tls)


class VerifyingConnection(OneCA, redis.SSLConnection):
    """A connection of redis-py that always uses TLS; without ``ssl_`` arguments it trusts no server.

    kombu before 5.7 checks the names of the arguments, and does no health check if the class hides them.
    """

    def __init__(self, *, health_check_interval: float = 0, **arguments: Any) -> None:  # redis-py's arguments
        super().__init__(health_check_interval=health_check_interval, **arguments)

    def _connect(self) -> ssl.SSLSocket:
        trusted = self._trusted()
        plain = redis.Connection._connect(self)  # noqa: SLF001 - the one below wraps
        return handshake(trusted, plain, self.host, self.socket_connect_timeout, self.socket_timeout)


class StayingPool(redis.ConnectionPool):
    """A pool of redis-py's connections that stay at their host, for Django's cache (``pool_class``)."""

    def __init__(self, **arguments: Any) -> None:  # Django's arguments
        super().__init__(**{**arguments, **driver.staying(redis)})


class VerifyingPool(StayingPool):
    """A pool of `VerifyingConnection`, for the same."""

    def __init__(self, **arguments: Any) -> None:  # Django's arguments
        super().__init__(**{**arguments, "connection_class": VerifyingConnection})


class SentinelConnection(SentinelManagedConnection, VerifyingConnection):
    """A `VerifyingConnection` to the master that sentinels name, verified as that name or address."""

    def __init__(self, *, health_check_interval: float = 0, **arguments: Any) -> None:
        super().__init__(health_check_interval=health_check_interval, **arguments)


class SentinelUnencryptedConnection(SentinelManagedConnection):
    """A connection without TLS, only to this machine and to hosts in `unencrypted_to`, whatever the sentinels name."""

    def __init__(
        self, *, health_check_interval: float = 0, unencrypted_to: Iterable[str] = (), **arguments: Any
    ) -> None:
        self._waived = tuple(unencrypted_to)
        super().__init__(health_check_interval=health_check_interval, **arguments)

    def connect_to(self, address: tuple[str, int]) -> None:
        """Connect to the address that the sentinels name.

        Raises:
            redis.ConnectionError: that address requires TLS.
        """
        permit_unencrypted(address, self._waived)
        super().connect_to(address)


def permit_unencrypted(address: tuple[str, int], waived: tuple[str, ...]) -> None:
    """Check that an `address` that sentinels name is this machine or `waived`.

    Raises:
        redis.ConnectionError: it is neither.
    """
    if not reach((Host(*address),), combined(Policy(waive=waived))).exempt:
        raise redis.ConnectionError(_REMOTE)


_REMOTE = (
    "the sentinels name a master on another machine, but the connection has no TLS. Use rediss+sentinel://, or add "
    "the master's address to ENVCONN_TLS_WAIVE"
)


class SentinelPool(SentinelConnectionPool):
    """A pool of connections to the master that sentinels name; `envconn.drivers.redis` makes its arguments.

    TLS is the same for the sentinels. `connection_class` is for kombu, which has its own
    subclass of one of the two.
    """

    def __init__(
        self,
        *,
        sentinels: Iterable[tuple[str, int]],
        master_name: str,
        sentinel_kwargs: Mapping[str, object],
        min_other_sentinels: int = 0,
        connection_class: type[redis.Connection] | None = None,
        **arguments: Any,
    ) -> None:
        unencrypted = "unencrypted_to" in arguments
        kind = redis.Connection if unencrypted else VerifyingConnection
        manager = _Sentinels(sentinels, min_other_sentinels, kind, sentinel_kwargs)
        chosen = connection_class or (SentinelUnencryptedConnection if unencrypted else SentinelConnection)
        super().__init__(master_name, manager, connection_class=chosen, **arguments)

    @classmethod
    def from_url(cls, url: str, **arguments: Any) -> Self:
        """Make a pool of `arguments` alone, as Django does; `url` is for display."""
        del url
        return cls(**arguments, **driver.staying(redis))


class _Sentinels(Sentinel):
    """redis-py's Sentinel with a given class for its connections, and with the reason of a failure in its error.

    redis-py's own error does not say what is wrong with a certificate.
    """

    def __init__(
        self,
        sentinels: Iterable[tuple[str, int]],
        min_other_sentinels: int,
        kind: type[Any],
        arguments: Mapping[str, Any],
    ) -> None:
        super().__init__([], min_other_sentinels, sentinel_kwargs={})
        self.arguments = dict(arguments)
        self.sentinels = sentinel_clients(redis, Retry, sentinels, to_sentinel(kind, self.arguments))

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return host and port of the master, from the first sentinel that knows it.

        Raises:
            MasterNotFoundError: no sentinel knows it; the text says why.
        """
        errors: list[Exception] = []
        for position, sentinel in enumerate(self.sentinels):
            try:
                masters = cast("dict[str, dict[str, Any]]", sentinel.sentinel_masters())
            except (redis.ConnectionError, redis.TimeoutError) as error:
                errors.append(error)
                continue
            if master := running_master(self, service_name, position, masters):
                return master
        raise not_found(service_name, errors)


def to_sentinel(kind: type[Any], arguments: Mapping[str, Any]) -> type[Any]:
    """Return a `kind` of connection with `arguments`, as they are whenever it connects."""

    class Connection(kind):  # type: ignore[misc]
        def __init__(self, **place: Any) -> None:  # redis-py's arguments
            super().__init__(**{**arguments, **place})

        def _connect(self) -> Any:
            self.username, self.password = arguments.get("username"), arguments.get("password")
            self._tls = {name: value for name, value in arguments.items() if name.startswith("ssl_")}
            return super()._connect()

    return Connection


def sentinel_clients(
    library: ModuleType, retry: type[Any], sentinels: Iterable[tuple[str, int]], kind: type[Any]
) -> list[Any]:
    """Return a client of `library` (`redis` or `redis.asyncio`, with its class `retry`) for each of the `sentinels`.

    Its connections are of the `kind` that `to_sentinel` makes. A sentinel that is down is not waited for: there are
    others, and the caller tries again.
    """
    given = {**driver.staying(library), "connection_class": kind}
    pools = (
        library.ConnectionPool(host=host, port=port, retry=retry(NoBackoff(), 0), **given) for host, port in sentinels
    )
    return [library.Redis(connection_pool=pool) for pool in pools]


def running_master(
    manager: Any, service_name: str, position: int, masters: Mapping[str, dict[str, Any]]
) -> tuple[str, int] | None:
    """Return host and port of the master among the `masters` that the sentinel at `position` knows, or `None`.

    The sentinel that knows it is asked first from now on.
    """
    state = masters.get(service_name)
    if not state or not manager.check_master_state(state, service_name):
        return None
    sentinels = manager.sentinels
    sentinels[0], sentinels[position] = sentinels[position], sentinels[0]
    return state["ip"], state["port"]


def not_found(service_name: str, errors: list[Exception]) -> MasterNotFoundError:
    """Return the error that says why no sentinel knows the master; its cause is the first of their `errors`."""
    reasons = "; ".join(map(str, errors)) or "no sentinel knows a running master of that name"
    found = MasterNotFoundError(f"No master found for {service_name!r}: {reasons}")
    found.__cause__ = next(iter(errors), None)
    return found


def with_credential_provider(connection: SecuredConnection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arguments` for redis-py with a provider of those of `connection` instead of user and password."""
    others = {name: value for name, value in arguments.items() if name not in {"username", "password"}}
    return {**others, "credential_provider": CredentialProvider(connection)}


class CredentialProvider(redis.CredentialProvider):
    """Returns user and password of `source` for each login, from the environment or the program's callable.

    `source` is a connection, or services whose cache is used.
    """

    def __init__(self, source: Services | SecuredConnection) -> None:
        self._source = source.cache if isinstance(source, Services) else database(source)

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the password, after the user if one is stated.

        Raises:
            PasswordUnavailable: the callable supplied none.
        """
        return _credentials(with_current_password(in_use(self._source)))

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """Do the same in a coroutine; a callable may be asynchronous."""
        return _credentials(await awith_current_password(in_use(self._source)))


def _credentials(connection: SecuredConnection) -> tuple[str] | tuple[str, str]:
    password = connection.password.reveal() if connection.password else ""
    return (connection.user, password) if connection.user else (password,)
