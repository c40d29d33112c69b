"""The endpoints that were judged for Celery in this process, and the classes that Celery finds under its own names.

kombu and Celery look up a class by the scheme of a URL (`TRANSPORT_ALIASES`, `BACKEND_ALIASES`). `install` puts the
classes of `envconn_celery.transport` and `envconn_celery.backend` there: they look the endpoint up when they connect,
so it does not matter which setting, variable or option named it, nor in which order they were set. An application
without `config()` is left alone, unless it connects to a judged endpoint.
"""

from __future__ import annotations

import os
from urllib.parse import unquote

from celery import _state
from celery.app.backends import BACKEND_ALIASES
from kombu import transport
from kombu.utils.url import parse_url

from envconn import parse
from envconn.connection import Origin
from envconn.drivers import Hidden
from envconn.errors import ConfigurationError, EndpointUnavailable, problem
from envconn.families import AMQP, FAMILIES, POSTGRESQL, REDIS, SENTINEL
from envconn.grammar.celery import serverless
from envconn.hardcoded import line_of, may_be_hardcoded, password_in, program_modules, sentence
from envconn.services import in_use
from envconn.tls.password import is_supplied
from envconn.tls.policy import covered_scheme
from envconn.tls.secured import with_password
from envconn.tls.uri_writer import authority, compose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, NoReturn, TypeAlias

    from celery import Celery

    from envconn.connection import Host
    from envconn.tls import SecuredConnection

    Place: TypeAlias = tuple[str, int]

MARKER = "envconn"
"""The setting that marks the applications whose settings `config()` has made."""

_BROKERS: dict[tuple[str, Place], SecuredConnection] = {}
_RESULTS: dict[tuple[str, Place], SecuredConnection] = {}
_WAIVED: set[tuple[str, str]] = set()
"""Services and the schemes that a waiver leaves to Celery for each."""

_SERVERLESS_BROKERS = frozenset({"memory", "filesystem"})
_SERVERLESS_BACKENDS = frozenset({"rpc", "disabled", "file"})
_TRANSPORTS = {
    "redis": "RedisTransport",
    "rediss": "RedisTransport",
    "sentinel": "SentinelTransport",
    "amqp": "AmqpTransport",
    "pyamqp": "AmqpTransport",
    "librabbitmq": "AmqpTransport",  # kombu takes it for amqp:// if it is installed; it has no TLS
    "amqps": "AmqpsTransport",
}
_BACKENDS = {
    "redis": "RedisBackend",
    "rediss": "RedisBackend",
    "sentinel": "SentinelBackend",
    "db": "DatabaseBackend",
    "database": "DatabaseBackend",
}
STOCK_TRANSPORTS = {name: path for name, path in transport.TRANSPORT_ALIASES.items() if name not in _SERVERLESS_BROKERS}
STOCK_BACKENDS = {name: path for name, path in BACKEND_ALIASES.items() if name not in _SERVERLESS_BACKENDS}
"""The classes that are not of envconn, by kombu's and Celery's names."""


def install() -> None:
    """Put the classes of envconn under kombu's and Celery's names, and under the paths of those that they replace."""
    for aliases, stock, own, module in (
        (transport.TRANSPORT_ALIASES, STOCK_TRANSPORTS, _TRANSPORTS, "envconn_celery.transport"),
        (BACKEND_ALIASES, STOCK_BACKENDS, _BACKENDS, "envconn_celery.backend"),
    ):
        for name, path in stock.items():
            for alias in (name, path, path.replace(":", ".")):
                aliases[alias] = f"{module}:{own.get(name, name)}"
                transport._transport_cache.pop(alias, None)  # noqa: SLF001 - kombu has no other way


def register(broker: SecuredConnection | None, results: Iterable[SecuredConnection], waived: Mapping[str, str]) -> None:
    """Add the endpoints of `broker` and `results` to those that were judged, and the schemes that are `waived`."""
    own = [(_RESULTS, each) for result in results for each in (result, direct(result))]
    for known, connection in (*([(_BROKERS, broker)] if broker else []), *own):
        for host in connection.hosts:
            known[connection.family, _place(host.host, host.port)] = connection
    _WAIVED.update(waived.items())


def is_waived(service: str, scheme: object) -> bool:
    """Whether a waiver leaves `scheme` to Celery for ``broker`` or ``results``."""
    schemes = [each for name, patterns in _WAIVED if name == service for each in patterns.split(", ")]
    return isinstance(scheme, str) and covered_scheme(scheme, schemes) is not None


def users(connection: SecuredConnection) -> set[str]:
    """Return the users of `connection`: of now, and of when the settings were made."""
    registered = (*_BROKERS.values(), *_RESULTS.values())
    return {connection.user, *(each.user for each in registered if in_use(each) is connection)}


def direct(connection: SecuredConnection) -> SecuredConnection:
    """Return the direct endpoint of a database if there is one, because Celery creates tables; else `connection`."""
    try:
        return connection.endpoint(pooled=False)
    except EndpointUnavailable:
        return connection


def database_url(connection: SecuredConnection) -> str:
    """Return the URL of a PostgreSQL for SQLAlchemy, by which its endpoint is found again, without a password."""
    host, shown = connection.hosts[0], with_password(connection, None)
    if host.is_socket:
        return compose("postgresql+psycopg", shown, {"host": host.host}, hosts=f":{host.port}")
    return compose("postgresql+psycopg", shown, {}, hosts=authority(host))


def broker(client: Any, family: str, port: int = 0) -> SecuredConnection | None:
    """Return the judged connection for the endpoint of kombu's `client`, or `None` if it is left alone.

    `port` is the one that kombu uses if there is none.

    Raises:
        ConfigurationError: an application with `config()` names an endpoint that was not judged.
    """
    place = _of_client(client, port)
    if found := _registered(_BROKERS, family, place):
        for setting, text in _stated_brokers():
            # Not the client's password, which is replaced at each login.
            if not isinstance(text, Hidden) and place in _places([text]):
                warn_if_hardcoded(setting, password_in(text), found)
        return in_use(found)
    named = {place, *_places([client._initial_params.get("hostname"), *client.alt])}  # noqa: SLF001 - the URL
    source = _broker_source(named)
    is_judged = any(other == each for _, other in _BROKERS for each in named)
    if source or is_judged or _is_lost():
        _refuse(source or "broker_url", _BROKER)
    return None


def _registered(
    known: Mapping[tuple[str, Place], SecuredConnection], family: str, place: Place
) -> SecuredConnection | None:
    """Return the connection of `known` that has `place`, or had it when the settings were made."""
    followed = (each for each in known.values() if each.family == family and place in _judged_places(in_use(each)))
    return known.get((family, place)) or next(followed, None)


def _judged_places(connection: SecuredConnection) -> set[Place]:
    return {_place(host.host, host.port) for host in connection.hosts}


def of_now_and_then(connection: SecuredConnection) -> list[SecuredConnection]:
    """Return `connection`, and the brokers that it was when the settings were made."""
    return [connection, *(each for each in _BROKERS.values() if in_use(each) is connection)]


def move(client: Any, connection: SecuredConnection, port: int, before: Iterable[SecuredConnection]) -> None:
    """Let kombu's `client` connect to `connection` and log in there, if its user is of one of those `before`.

    `port` is as for `broker`.

    Raises:
        ConfigurationError: it has another user, and a host that is not one of `connection`.
    """
    known, is_there = [connection, *before], _of_client(client, port) in _judged_places(connection)
    if (client.userid or "") in {each.user for each in known}:
        if not is_there:
            client.hostname, client.port = connection.hosts[0].host, connection.hosts[0].port
        if (client.virtual_host or "/") in {each.dbname for each in known}:
            client.virtual_host = connection.dbname
        client.userid, client.password = connection.user, connection.password and connection.password.reveal()
    elif not is_there:
        _refuse("broker_url", _BROKER)


def warn_if_hardcoded(setting: str, password: object, connection: SecuredConnection) -> None:
    """Log once if the `password` of a URL in `setting` is that of a program, for the endpoint of `connection`."""
    passwords = [each.password for each in (connection, in_use(connection))]
    own = {each.reveal() for each in passwords if each and not is_supplied(each)}
    if not password or str(password) in own or may_be_hardcoded(connection.tls) or setting in _WARNED:
        return
    if line := line_of([str(password)], program_modules()):
        import logging

        _WARNED.add(setting)
        logging.getLogger(__name__).warning("%s: %s", setting, sentence(line))


_WARNED: set[str] = set()


def host(client: Any, connection: SecuredConnection, port: int) -> Host:
    """Return the one of the hosts of `connection` that kombu's `client` connects to; `port` is as for `broker`."""
    place = _of_client(client, port)
    return next((each for each in connection.hosts if _place(each.host, each.port) == place), connection.hosts[0])


def is_judged_broker(text: str) -> bool:
    """Whether every broker in `text` was judged, is waived, or is in this process."""
    return all(map(_is_judged_broker, text.split(";")))


def _is_judged_broker(text: str) -> bool:
    if text.partition("://")[0] in _SERVERLESS_BROKERS or is_waived("broker", text):
        return True
    return all(any(place == judged for _, judged in _BROKERS) for place in _places([text or "amqp://"]))


def results(app: Celery, family: str, host: str, port: int) -> SecuredConnection | None:
    """Return the judged connection for an endpoint of results of `app`, or `None` if it is left alone.

    Raises:
        ConfigurationError: `app` has the settings of `config()`, and the endpoint was not judged.
    """
    if found := _registered(_RESULTS, family, _place(host, port)):
        return in_use(found)
    refuse_results(app)
    return None


def results_in_sql(app: Celery, url: str) -> SecuredConnection | None:
    """Return the same for the URL of a database, as SQLAlchemy reads it.

    Raises:
        ConfigurationError: `app` has the settings of `config()`, and the endpoint was not judged.
    """
    if not _is_postgresql(url):
        return results(app, "", *_of_url(url))
    first, *_ = [results(app, POSTGRESQL, *place) for place in _of_database(url)]
    return first


def refuse_results(app: Celery) -> None:
    """Raise if `app` has the settings of `config()`, or if no application has them any more.

    Raises:
        ConfigurationError: it has, or none has; the message names the variable or setting of the result backend.
    """
    if MARKER in app.conf or _is_lost():
        name = "CELERY_RESULT_BACKEND"
        _refuse(name if os.environ.get(name) else "result_backend", _RESULT)


def refuse_broker(client: Any) -> None:
    """Raise if the URL of `client`, for which there is no class of envconn, is one of an application with `config()`.

    Raises:
        ConfigurationError: it is one, and no waiver has its scheme; the message names the variable or setting.
    """
    if not is_waived("broker", client.transport_cls):
        broker(client, "")


def is_judged_results(text: str) -> bool:
    """Whether the place of results in `text` was judged, is waived, or has no server."""
    if is_waived("results", text):
        return True
    places = [*_places([text.removeprefix("db+")])]
    known = {place for _, place in _RESULTS}
    return bool(serverless(text, Origin("text"))) or text.startswith("db+sqlite:") or known.issuperset(places)


def _refuse(name: str, message: str) -> NoReturn:
    raise ConfigurationError([problem("celery-overruled", name, message)])


_BROKER = (
    "names a broker that envconn has not judged, so it is not used. Remove it, or set CELERY_BROKER_URL to its URL "
    "before config() is called"
)
_RESULT = (
    "names a result backend that envconn has not judged, so it is not used. Remove it, or set CELERY_RESULT_BACKEND "
    "before config() is called"
)


def _marked() -> list[Celery]:
    """Return the applications with the settings of `config()`."""
    found = [app for app in _state._get_active_apps() if MARKER in app.conf]  # noqa: SLF001 - Celery has no other list
    _SEEN.update(MARKER for _ in found)
    return found


_SEEN: set[str] = set()


def _is_lost() -> bool:
    """Whether no application has ever had the settings of `config()`: a later line has dropped them."""
    return not (_marked() or _SEEN)


def _broker_source(places: Iterable[Place]) -> str | None:
    """Return the variable or setting of an application with `config()` that names one of `places`, or `None`."""
    wanted = set(places)
    return next((name for name, text in _stated_brokers() if wanted.intersection(_places([text]))), None)


def _stated_brokers() -> Iterator[tuple[str, str]]:
    """Yield each URL of a broker with the variable, or the setting of an application with `config()`, that has it.

    It is `Hidden` if `config()` has made it.
    """
    values = [(name, os.environ.get(name)) for name in BROKER_VARIABLES]
    values += [(name, app.conf.get(name)) for app in _marked() if app.configured for name in _BROKER_SETTINGS]
    yield from ((name, text) for name, value in values for text in _texts([value]))


BROKER_VARIABLES = ("CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_BROKER_URL")
"""Variables that override every setting of the broker (celery/app/utils.py, Settings). ``celery -b`` sets the last."""
_BROKER_SETTINGS = ("broker_read_url", "broker_write_url", "broker_url")


def _of_client(client: Any, port: int) -> Place:
    host = client.hostname or "localhost"
    if "://" in host:  # a socket: kombu has removed redis+
        return next(iter(_places([host])), (host, 0))
    return _place(host, client.port or port)


def _place(host: str, port: int) -> Place:
    if host.startswith(("/", "@")):  # a socket
        return host, int(port)
    # kombu replaces the name by the address (kombu/transport/pyamqp.py, establish_connection).
    return ("127.0.0.1" if host.lower() == "localhost" else host.lower(), int(port))


def _places(urls: Iterable[object]) -> Iterator[Place]:
    """Yield the endpoints that `urls` name; each may be several, in a list or with semicolons."""
    for text in _texts(urls):
        yield from _of_database(text) if _is_postgresql(text) else [_of_url(text)]


def _texts(urls: Iterable[object]) -> Iterator[str]:
    for url in urls:
        if isinstance(url, (list, tuple)):
            yield from _texts(url)
        elif isinstance(url, str):
            yield from filter(None, url.split(";") if ";" in url else [url])


def _is_postgresql(text: str) -> bool:
    return text.partition("://")[0] in FAMILIES[POSTGRESQL].schemes


def _of_url(text: str) -> Place:
    scheme, _, rest = text.partition("://")
    if scheme.rpartition("+")[2] == "socket":
        return _place(unquote(f"/{rest.rpartition('@')[2].partition('?')[0].lstrip('/')}"), 0)
    try:
        found = parse_url(text)
        return _place(found["hostname"] or "localhost", found["port"] or _PORTS.get(scheme, 0))
    except ValueError:
        return text, 0


def _of_database(text: str) -> list[Place]:
    try:
        return [_place(host.host, host.port) for host in parse(text).hosts]
    except ConfigurationError:
        return [(text, 0)]


_PORTS = {
    **dict.fromkeys(("redis", "rediss"), FAMILIES[REDIS].port),
    "sentinel": FAMILIES[SENTINEL].port,
    **dict.fromkeys(("amqp", "pyamqp"), FAMILIES[AMQP].port),
    "amqps": FAMILIES[AMQP].tls_port,
}
