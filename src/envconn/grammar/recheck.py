"""What the grammar guarantees of a `Connection`, looked at again where a program hands one over.

A program can make one, or change what it was read from (`envconn.records.replace`). What is judged must be what a text
could say: a host with a comma would be two hosts to libpq, and a parameter that no text may have would decide unseen.
"""

from __future__ import annotations

import re
from importlib import import_module

from envconn.connection import Connection, Host, Parameters, Secret
from envconn.errors import problem
from envconn.families import (
    AMQP,
    BY_SCHEME,
    CELERY,
    DJANGO_CACHE,
    FAMILIES,
    MEMCACHED,
    POSTGRESQL,
    REDIS,
    SENTINEL,
    SQLITE,
)
from envconn.grammar.conninfo import quoted, read_conninfo
from envconn.grammar.hosts import pair_up
from envconn.grammar.text import ParseState
from envconn.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.errors import Finding
    from envconn.grammar.uri import Parameter

_MODES = frozenset({"disable", "prefer", "require", "verify-ca", "verify-full"})
_READ = ("hosts", "user", "dbname", "password", "parameters", "foreign")
_ALTERED = "the connection was changed after it was read, to what no connection string says. Use envconn.parse()"


def problems(connection: Connection) -> tuple[Finding, ...]:
    """Return what is wrong with a `connection` that no text describes; nothing for what `envconn.parse` returns."""
    state = ParseState(connection.origin)
    if not (_is_whole(connection) and _check(connection.family)(state, connection)) and not state.problems:
        return (problem("connection-altered", connection.origin.variable, _ALTERED),)
    return tuple(state.problems)


def _is_whole(connection: Connection) -> bool:
    """Whether every field has its type, and no text of it ends early for a driver."""
    if not (BY_SCHEME.get(connection.scheme, connection.family) == connection.family in FAMILIES):
        return False
    kinds: list[tuple[object, type | tuple[type, ...]]] = [
        (connection.hosts, tuple),
        *((host, Host) for host in connection.hosts),
        *((getattr(host, "port", None), int) for host in connection.hosts),
        *((each, Parameters) for each in (connection.parameters, connection.foreign)),
        (connection.password, (Secret, type(None))),
    ]
    return bool(connection.hosts) and all(isinstance(value, kind) for value, kind in kinds) and _is_text(connection)


def _is_text(connection: Connection) -> bool:
    texts: list[object] = [connection.user, connection.dbname]
    texts += [text for host in connection.hosts for text in (host.host, host.hostaddr)]
    texts += [text for each in (connection.parameters, connection.foreign) for pair in each.items() for text in pair]
    texts += [connection.password.reveal()] if connection.password else []
    return all(isinstance(text, str) and "\0" not in text for text in texts)


def _check(family: str) -> Callable[[ParseState, Connection], bool]:
    return _CHECKS.get(family, _check_other)


def _check_postgresql(state: ParseState, connection: Connection) -> bool:
    """Whether the connection is what libpq's own grammar reads where all of it is written as keywords."""
    hosts, password = connection.hosts, connection.password
    values = {
        "host": ",".join(host.host for host in hosts),
        "hostaddr": ",".join(host.hostaddr for host in hosts) if any(host.hostaddr for host in hosts) else "",
        "port": ",".join(str(host.port or "") for host in hosts),
        "user": connection.user,
        "password": password.reveal() if password else "",
        "dbname": connection.dbname,
    }
    written = {name: value for name, value in values.items() if value}
    # A parameter called "host" would come before it here, and is none in what is read.
    words = {**written, **connection.parameters, **connection.foreign}
    found = read_conninfo(state, " ".join(f"{name}={quoted(value)}" for name, value in words.items()))
    return found is not None and all(getattr(found, name) == getattr(connection, name) for name in _READ)


def _check_sqlite(_: ParseState, connection: Connection) -> bool:
    return bool(connection.dbname) and connection.hosts == (Host("", 0),) and _are_known(connection)


def _check_celery(_: ParseState, connection: Connection) -> bool:
    from envconn.grammar.celery import in_process, serverless

    text, origin = connection.dbname, connection.origin
    return _is_same(connection, serverless(text, origin) or in_process(text, origin))


def _check_django_cache(_: ParseState, connection: Connection) -> bool:
    from envconn.grammar.django_cache import serverless

    return _is_same(connection, serverless(connection.dbname, connection.origin))


def _check_memcached(_: ParseState, connection: Connection) -> bool:
    from envconn.grammar.django_cache import memcached

    text = f"{connection.scheme}://{','.join(map(str, connection.hosts))}"
    return _is_same(connection, memcached(text, connection.origin))


def _is_same(connection: Connection, found: Connection | None) -> bool:
    return found is not None and all(getattr(found, name) == getattr(connection, name) for name in ("scheme", *_READ))


def _check_other(state: ParseState, connection: Connection) -> bool:
    """Whether hosts, database and parameters are such as the family's URIs have."""
    hosts = connection.hosts
    # A driver puts the number into a URL, where anything else could be a parameter.
    is_named = connection.family not in {REDIS, SENTINEL} or re.fullmatch("0|[1-9][0-9]{0,9}", connection.dbname)
    if not (is_named and all(_is_host(state, host) for host in hosts)):
        return False
    mode = connection.parameters.get("sslmode", "require")
    return (len(hosts) == 1 or connection.family in {SENTINEL, AMQP}) and mode in _MODES and _are_known(connection)


_CHECKS = {
    POSTGRESQL: _check_postgresql,
    SQLITE: _check_sqlite,
    CELERY: _check_celery,
    DJANGO_CACHE: _check_django_cache,
    MEMCACHED: _check_memcached,
}


def _is_host(state: ParseState, host: Host) -> bool:
    # A socket of Redis and MySQL has no port.
    port = FAMILIES[POSTGRESQL].port if host.is_socket and not host.port else host.port
    return pair_up(state, host.host, "", str(port)) == (replace(host, port=port),)


def _are_known(connection: Connection) -> bool:
    module = import_module(f"envconn.grammar.{FAMILIES[connection.family].grammar.partition('.')[0]}")
    table: Mapping[str, Parameter] = module.SENTINEL_PARAMETERS if connection.family == SENTINEL else module.PARAMETERS
    known = [(each.becomes or name, each) for name, each in table.items() if not (each.refusal or each.foreign)]
    beside = "" if connection.family == SQLITE else "sslmode"  # what the scheme says
    return all(
        name == beside or any(name == own and _is_value(value, each) for own, each in known)
        for name, value in connection.parameters.items()
    )


def _is_value(value: str, parameter: Parameter) -> bool:
    if parameter.meaning:
        return value in parameter.meaning.values()
    return not parameter.pattern or re.fullmatch(parameter.pattern, value) is not None
