"""libpq's keywords, for psycopg 3, psycopg2, and everything else that is linked with it.

libpq fills every keyword that is not given from a service file, then from ``PG*`` variables, then
from files under ``~/.postgresql`` (fe-connect.c, conninfo_add_defaults; fe-secure-openssl.c,
initialize_SSL). So every keyword that affects the server or security is written out,
empty if that means "nothing", or as a path that cannot exist if empty would mean the default
file. Keywords that do not (``connect_timeout``, ``application_name``) are left to the environment.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import cast

from envconn.drivers import hide
from envconn.drivers.unsupported import refuse, stated_by
from envconn.errors import ConfigurationError, Finding, problem
from envconn.families import POSTGRESQL
from envconn.grammar.libpq_keywords import KEYWORDS, pins
from envconn.records import TypedDict
from envconn.sources.environment import ABSENT
from envconn.tls import TlsLevel, require_sealed
from envconn.tls.deciding_files import verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.tls import SecuredConnection

OLDEST = 13_00_00
"""The oldest libpq that can enforce a verdict (``channel_binding`` and protocol bounds exist since 13)."""


class Keywords(TypedDict, total=False):
    """The libpq keywords that are passed; every value is text (PostgreSQL 18 manual, 32.1.2)."""

    host: str
    hostaddr: str
    port: str
    user: str
    password: str
    dbname: str
    passfile: str
    sslmode: str
    sslrootcert: str
    sslcert: str
    sslkey: str
    sslpassword: str
    sslcertmode: str
    sslcrl: str
    sslcrldir: str
    sslsni: str
    sslcompression: str
    sslnegotiation: str
    sslkeylogfile: str
    ssl_min_protocol_version: str
    ssl_max_protocol_version: str
    gssencmode: str
    channel_binding: str
    require_auth: str
    requirepeer: str
    krbsrvname: str
    gsslib: str
    gssdelegation: str
    scram_client_key: str
    scram_server_key: str
    oauth_issuer: str
    oauth_client_id: str
    oauth_client_secret: str
    oauth_scope: str
    min_protocol_version: str
    max_protocol_version: str
    target_session_attrs: str
    load_balance_hosts: str
    connect_timeout: str
    client_encoding: str
    options: str
    application_name: str
    fallback_application_name: str
    keepalives: str
    keepalives_idle: str
    keepalives_interval: str
    keepalives_count: str
    tcp_user_timeout: str
    replication: str


class Arguments(Keywords, total=False, closed=True):
    """Only the keywords, nothing else."""


def arguments(connection: SecuredConnection, libpq: int) -> Arguments:
    """Return the keyword arguments with which a libpq of version `libpq` enforces the verdict.

    `libpq` is the number that ``PQlibVersion()`` returns (180006 for 18.6); `version` returns it, too.
    All values are text, even ports; several hosts are joined by commas, as libpq requires.

    Raises:
        ConfigurationError: this libpq does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if connection.family != POSTGRESQL:
        refuse(connection, f"holds a {connection.family} connection, but libpq requires a PostgreSQL one")
    verified(connection)
    if libpq < OLDEST:
        raise ConfigurationError([_too_old(connection)])
    if missing := too_new(connection, libpq):
        raise ConfigurationError(_unsupported(connection, name, libpq) for name in missing)
    # As late as possible: a traceback with local variables would show the password.
    stated = {**_pinned(connection, libpq), **_stated(connection), **_target(connection)}
    return cast("Arguments", hide({name: value for name, value in stated.items() if _since(name) <= libpq}))


def needed(connection: SecuredConnection) -> int:
    """Return the oldest libpq that supports everything in `connection`, as ``PQlibVersion()`` numbers it."""
    return max([OLDEST, *too_new(connection, 0).values()])


def too_new(connection: SecuredConnection, libpq: int) -> dict[str, int]:
    """Return the parameters that a libpq of version `libpq` does not support, and the oldest that does."""
    return {name: since for name in _decisive(connection) if (since := _since(name)) > libpq}


def variables(words: Mapping[str, object]) -> dict[str, str]:
    """Return the ``PG*`` variables with which a program that is linked with libpq uses `words`.

    A keyword that has no variable (``sslpassword``) is left out.
    """
    known = {KEYWORDS[name].variable: str(value) for name, value in words.items() if name in KEYWORDS}
    return {variable: value for variable, value in known.items() if variable}


def version(driver: str) -> int:
    """Return the version of the libpq of `driver` (``psycopg`` or ``psycopg2``), as ``PQlibVersion()`` numbers it.

    For a wheel of psycopg that is not imported yet, it is only the major version (180000), from its file's name.

    Raises:
        ImportError: the driver is not installed.
        KeyError: it is neither of the two.
    """
    return _ASK[driver]()


def _psycopg() -> int:
    if "psycopg" not in sys.modules and (found := _in_wheel(tuple(sys.path), os.environ.get("PSYCOPG_IMPL", ""))):
        return found
    from psycopg import pq

    return pq.version()


@cache
def _in_wheel(path: tuple[str, ...], implementation: str) -> int | None:
    """Return the version in the name of the libpq that psycopg will load, or `None` if the name does not have it.

    A process that only makes settings would import psycopg for this number alone, which takes longer than
    everything else. On Linux the wheels contain libpq-HASH.so.5.N, where N is the major version (psycopg-binary 3.1.8
    to 3.3.9). psycopg itself prefers psycopg_c, which is linked with the system's (`psycopg.pq.import_from_libpq`).
    """
    folders = [folder for folder in path if os.path.isdir(os.path.join(folder, "psycopg_binary"))]
    has_other = any(os.path.isdir(os.path.join(folder, "psycopg_c")) for folder in path)
    if has_other or implementation.lower() not in {"", "binary"} or not folders:
        return None
    has_psycopg = any(os.path.isdir(os.path.join(folder, "psycopg")) for folder in path)
    libraries = os.path.join(folders[0], "psycopg_binary.libs")
    names = os.listdir(libraries) if has_psycopg and os.path.isdir(libraries) else []
    found = [number for name in names if (number := _major(name))]
    return found[0] * 1_00_00 if len(found) == 1 else None


def _major(name: str) -> int | None:
    base, _, number = name.rpartition(".so.5.")
    return int(number) if base.startswith("libpq-") and number.isdecimal() else None


def _psycopg2() -> int:
    from psycopg2.extensions import libpq_version

    return int(libpq_version())


_ASK: dict[str, Callable[[], int]] = {"psycopg": _psycopg, "psycopg2": _psycopg2}


def _target(connection: SecuredConnection) -> dict[str, str]:
    target = {
        "host": ",".join(host.host for host in connection.hosts),
        "port": ",".join(str(host.port) for host in connection.hosts),
        "user": connection.user,
        "dbname": connection.dbname,
    }
    if connection.password:
        target["password"] = connection.password.reveal()
    if any(host.hostaddr for host in connection.hosts):
        target["hostaddr"] = ",".join(host.hostaddr for host in connection.hosts)
    return target


def _stated(connection: SecuredConnection) -> dict[str, str]:
    """Return the parameters as written, with the verdict's TLS mode and CA."""
    verdict = connection.tls
    stated = {name: value for name, value in connection.parameters.items() if name != "gssencmode"}
    stated["sslmode"] = verdict.level.sslmode
    stated["sslrootcert"] = verdict.ca.file() if verdict.ca else ABSENT
    return stated


def _pinned(connection: SecuredConnection, libpq: int) -> dict[str, str]:
    pinned = pins(connection.parameters, libpq // 10_000)
    if connection.features.direct_tls and connection.tls.level >= TlsLevel.ENCRYPTED:
        pinned["sslnegotiation"] = "direct"
    return pinned


def _decisive(connection: SecuredConnection) -> list[str]:
    """Return the stated parameters, without those that an older libpq can do without."""
    return [name for name in connection.parameters if KEYWORDS[name].older != "drop"]


def _since(name: str) -> int:
    return KEYWORDS[name].since * 10_000


def _unsupported(connection: SecuredConnection, name: str, libpq: int) -> Finding:
    needed, have = KEYWORDS[name].since, libpq // 10_000
    message = f"{name} requires libpq {needed}, but this driver has {have}. Upgrade the driver, or remove {name}"
    return problem("driver-unsupported", stated_by(connection, name), message)


def _too_old(connection: SecuredConnection) -> Finding:
    return problem(
        "driver-too-old",
        connection.origin.variable,
        "this driver's libpq is older than 13, which is not supported. Upgrade the driver",
    )
