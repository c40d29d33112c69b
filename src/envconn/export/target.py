"""The targets of an export: programs that read PostgreSQL connections in words of their own, and their limits."""

from __future__ import annotations

from types import MappingProxyType

from envconn.drivers.unsupported import refuse, stated_by, unheard
from envconn.errors import ConfigurationError, problem
from envconn.families import POSTGRESQL
from envconn.records import Record
from envconn.tls import TlsLevel
from envconn.tls.secured import foreign_parameters
from envconn.tls.uri_writer import authority, compose

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping
    from typing import NoReturn, TypeAlias

    from envconn.connection import Host
    from envconn.tls import SecuredConnection

    Levels: TypeAlias = "Mapping[TlsLevel, Mapping[str, str] | str]"

CODE = "export-unsupported"
"""The code of every problem of an export."""

CA = "{ca}"
"""Stands in `Target.levels` for the path of the CA."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


class ExportRequest(Record):
    """What to write: `connection`, and `direct`, the endpoint for migrations if it is another one.

    `libpq` is the reader's version as ``PQlibVersion()`` numbers it, or `None` for any from 13 on.
    """

    connection: SecuredConnection
    direct: SecuredConnection | None = None
    libpq: int | None = None


class Target(Record):
    """A driver that reads PostgreSQL's parameters under names of its own.

    `levels` holds its words for each TLS level, or the sentence that says why it has none. `fixed` is
    always written, unless a stated parameter replaces it. `parameters` are the parameters of libpq that it
    supports, with its names for them; `own` are those that other tools write into its URLs. `dbname` is the pattern
    of a database name in its URL.
    """

    name: str
    levels: Levels
    fixed: Mapping[str, str] = _NOTHING
    parameters: Mapping[str, str] = _NOTHING
    own: tuple[str, ...] = ()
    several_hosts: bool = False
    sockets: bool = True
    dbname: re.Pattern[str] | None = None


def decline(connection: SecuredConnection, message: str) -> NoReturn:
    """Raise the error that `connection` cannot be written, with the reason `message`.

    Raises:
        ConfigurationError: always.
    """
    refuse(connection, message, CODE)


def require_postgresql(connection: SecuredConnection, reader: str) -> None:
    """Raise unless the connection is for PostgreSQL."""
    if connection.family != POSTGRESQL:
        decline(
            connection,
            f"holds a {connection.family} connection, but {reader} requires a PostgreSQL one. Export uri instead",
        )


def libpq_levels(mode: str = "sslmode", root: str = "sslrootcert") -> Levels:
    """Return the levels for a driver with libpq's words, under the names `mode` and `root`."""
    return {level: {mode: level.sslmode, **({root: CA} if level >= TlsLevel.VERIFY_CA else {})} for level in TlsLevel}


def parameters_for(connection: SecuredConnection, target: Target) -> dict[str, str]:
    """Return the parameters of `connection` in the words of `target`, those about TLS first.

    Raises:
        ConfigurationError: the target does not support the level or a stated parameter.
    """
    require_postgresql(connection, target.name)
    if problems := [problem(CODE, *objection) for objection in _objections(connection, target)]:
        raise ConfigurationError(problems)
    level = target.levels[connection.tls.level]
    if isinstance(level, str):
        decline(connection, f"{target.name} {level}")
    ca = connection.tls.ca
    found = {name: ca.file_on_disk() if ca and value == CA else value for name, value in level.items()}
    stated = {
        ours: connection.parameters[name] for name, ours in target.parameters.items() if name in connection.parameters
    }
    foreign = foreign_parameters(connection)
    own = {name: foreign[name] for name in target.own if name in foreign}
    return {**found, **target.fixed, **stated, **own}


def postgres_url(connection: SecuredConnection, query: Mapping[str, str]) -> str:
    """Return the URL of `connection` with `query`; a socket and several hosts go into the query, like libpq's."""
    first, hosts = connection.hosts[0], connection.hosts
    place = {}
    if first.is_socket:
        place, where = {"host": first.host}, f"localhost:{first.port}"
    elif len(hosts) > 1:
        place = {"host": ",".join(host.host for host in hosts), "port": ",".join(str(host.port) for host in hosts)}
        where = ""
    else:
        where = authority(first)
    return compose(POSTGRESQL, connection, {**place, **query}, hosts=where)


def _objections(connection: SecuredConnection, target: Target) -> Iterator[tuple[str, str]]:
    """Yield what `target` does not support: the variable, and the message."""
    for name in unheard(connection, {*target.parameters, "sslmode", "sslrootcert", "sslnegotiation"}):
        message = f"{target.name} does not support {name}. Remove it, or add the equivalent by hand"
        yield stated_by(connection, name), message
    variable = connection.origin.variable
    if len(connection.hosts) > 1 and not target.several_hosts:
        yield variable, f"{target.name} does not support several hosts. Name one"
    for host in connection.hosts:
        yield from ((variable, message) for message in _unreachable(host, target))
    if target.dbname and not target.dbname.fullmatch(connection.dbname):
        message = "does not support this database name. Rename the database, or pass the name in code"
        yield variable, f"{target.name} {message}"


def _unreachable(host: Host, target: Target) -> Iterator[str]:
    if host.hostaddr:
        yield f"{target.name} does not support hostaddr. Remove it, so that the hostname is resolved"
    if "%" in host.host:
        yield f"{target.name} does not support the zone of an IPv6 address. Use a hostname"
    if host.is_socket and not target.sockets:
        yield f"{target.name} does not support unix sockets. Name a TCP host"
    elif host.host.startswith("@"):
        yield f"{target.name} does not support abstract unix sockets. Name a directory"
