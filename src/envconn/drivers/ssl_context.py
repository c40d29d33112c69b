"""The `ssl.SSLContext` that enforces exactly the level of a connection, for drivers that use Python's own TLS.

This is not `ssl.create_default_context()`: since Python 3.13 that is stricter than libpq about a CA's
extensions and laxer about trust anchors, and it writes TLS keys to ``SSLKEYLOGFILE``.
"""

from __future__ import annotations

import os
import ssl
import stat

from envconn.drivers.unsupported import refuse
from envconn.tls import TlsLevel, client_certificate
from envconn.tls.deciding_files import presents_certificate, verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from envconn.tls import SecuredConnection
    from envconn.tls.judged import Contents

    Made = TypeVar("Made")

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def build(connection: SecuredConnection, *, protocol: str | None = None) -> ssl.SSLContext:
    """Build a context for `connection`, whose level is ``ENCRYPTED`` or higher.

    `protocol` is offered by ALPN (``postgresql``). A driver that does not support ``hostaddr`` connects to the
    address; the context sends and checks the name that belongs to it.

    Raises:
        ConfigurationError: client certificate, key or revocation list cannot be used, or two
            names share one address.
    """
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.names = _names(connection)
    settle(context, connection)
    if protocol:
        context.set_alpn_protocols([protocol])
    if connection.parameters.get("sslnegotiation") == "direct":
        context.sslobject_class = _AgreedObject
    return context


def settle(context: ssl.SSLContext, connection: SecuredConnection, *, present: bool = True) -> None:
    """Configure `context`, a new client context, for the level of `connection`; the caller passes the hostname.

    `present` is whether the client certificate may be sent.

    Raises:
        ConfigurationError: client certificate, key or revocation list cannot be used.
    """
    context.check_hostname = connection.tls.level == TlsLevel.VERIFY_FULL
    context.verify_mode = ssl.CERT_REQUIRED if connection.tls.ca else ssl.CERT_NONE
    context.minimum_version = _VERSIONS[connection.parameters.get("ssl_min_protocol_version", "TLSv1.2")]
    if maximum := connection.parameters.get("ssl_max_protocol_version"):
        context.maximum_version = _VERSIONS[maximum]
    _trust(context, connection)
    if present and presents_certificate(connection.parameters):
        _present(context, connection)


def _names(connection: SecuredConnection) -> dict[str, str]:
    """Return the name to send and check for each address that is used instead of it."""
    pairs = {(host.hostaddr, host.host) for host in connection.hosts if host.hostaddr}
    names = dict(pairs)
    if len(names) < len(pairs):
        refuse(connection, "this driver does not support two hostnames with one hostaddr. Remove hostaddr")
    return names


def _is_open_to_others(path: str) -> bool:
    """Apply libpq's rule for a key file (fe-secure-openssl.c, initialize_SSL): root's may be read by its group."""
    try:
        found = os.stat(path)
    except OSError:
        return False  # what is wrong is said when it is loaded
    forbidden = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO if found.st_uid == 0 else stat.S_IRWXG | stat.S_IRWXO
    return not stat.S_ISREG(found.st_mode) or bool(found.st_mode & forbidden)


def _trust(context: ssl.SSLContext, connection: SecuredConnection) -> None:
    """Load the CA and the revocation lists."""
    parameters, ca = connection.parameters, connection.tls.ca
    if ca:
        try:
            context.load_verify_locations(cafile=ca.path or None, cadata=ca.pem or None)
        except (OSError, ValueError):
            refuse(connection, f"{ca}, cannot be read. Write it as PEM")
    lists = {name: parameters[name] for name in ("sslcrl", "sslcrldir") if name in parameters}
    if lists:
        try:
            context.load_verify_locations(cafile=lists.get("sslcrl"), capath=lists.get("sslcrldir"))
        except (OSError, ValueError):
            refuse(connection, f"the revocation list in {' or '.join(lists)} cannot be read. Write it as PEM")
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _present(context: ssl.SSLContext, connection: SecuredConnection) -> None:
    """Load the client certificate and its key."""
    parameters, family = connection.parameters, connection.family
    if _is_open_to_others(parameters["sslkey"]):
        refuse(connection, client_certificate.worded(_NOT_PRIVATE, family))
    if message := client_certificate.load(context, parameters, family):
        refuse(connection, message)


_NOT_PRIVATE = "the file in {sslkey} is readable by others. Run chmod 600 on it"


class _Named(ssl.SSLContext):
    """A context that sends and checks a name although the driver connects to an address."""

    names: Mapping[str, str]

    def wrap_socket(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - the signature is the standard library's
        self,
        sock: socket.socket,
        server_side: bool = False,  # noqa: FBT001, FBT002
        do_handshake_on_connect: bool = True,  # noqa: FBT001, FBT002
        suppress_ragged_eofs: bool = True,  # noqa: FBT001, FBT002
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        name = self.names.get(server_hostname or "", server_hostname)
        return super().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, name, session)

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        name = self.names.get(str(server_hostname or ""), server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


class _AgreedObject(ssl.SSLObject):
    """A connection whose server has to agree on the protocol, as libpq demands of direct TLS (fe-secure-openssl.c)."""

    def do_handshake(self) -> None:
        super().do_handshake()
        if self.selected_alpn_protocol() is None:
            raise ssl.SSLError("the server does not agree on a protocol by ALPN, as sslnegotiation=direct requires")


def remembered(make: Callable[[SecuredConnection], Made]) -> Callable[[SecuredConnection], Made]:
    """Return a function like `make` that caches the result for the last connection, until one of its files changes.

    Any thread may call it. The result is shared and must not be changed.
    """
    last: tuple[SecuredConnection, tuple[Contents, str], Made] | None = None

    def made(connection: SecuredConnection) -> Made:
        nonlocal last
        found, files = last, (verified(connection), connection.tls.ca.file() if connection.tls.ca else "")
        if found is None or found[0] is not connection or found[1] != files:
            last = found = connection, files, make(connection)
        return found[2]

    return made
