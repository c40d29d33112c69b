"""py-amqp's arguments, as kombu and Celery pass them on: the URL, its options, and how to verify.

kombu's URL has no TLS parameter that py-amqp supports, and ``amqps`` alone checks
the chain and not the name (amqp/transport.py, _wrap_socket_sni: the name is checked only if
``server_hostname`` is set). So the name is always passed if it must be checked: kombu
would set it itself, but only after replacing ``localhost`` by ``127.0.0.1``
(kombu/transport/pyamqp.py, establish_connection). The CA in ``ca_certs`` is trusted, and no other.
"""

from __future__ import annotations

import ssl
from typing import cast

from envconn.drivers import ssl_context
from envconn.drivers.unsupported import insist, refuse
from envconn.families import AMQP, FAMILIES
from envconn.grammar.libpq_keywords import CONTEXT
from envconn.records import TypedDict
from envconn.tls import TlsLevel
from envconn.tls.uri_writer import several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn.connection import Host
    from envconn.tls import SecuredConnection


class Arguments(TypedDict, total=False):
    """The argument ``ssl`` of py-amqp, and Celery's ``broker_use_ssl``."""

    cert_reqs: ssl.VerifyMode
    ca_certs: str
    server_hostname: str
    certfile: str
    keyfile: str


class Options(TypedDict, total=False):
    """The arguments of ``amqp.Connection`` other than host, credentials and TLS. Times are in seconds."""

    heartbeat: int
    connect_timeout: float
    login_method: str
    channel_max: int
    frame_max: int
    locale: str
    confirm_publish: bool


def url(connection: SecuredConnection) -> str:
    """Return the broker's URL for kombu, with the password; of several hosts, the list for its failover.

    How to verify is in `arguments`.

    Raises:
        ConfigurationError: py-amqp does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, "py-amqp", AMQP, _OPTIONS)
    scheme = FAMILIES[AMQP].secure if connection.tls.level >= TlsLevel.ENCRYPTED else FAMILIES[AMQP].plain
    return several(scheme, connection, {})


def arguments(connection: SecuredConnection, host: Host | None = None) -> Arguments | None:
    """Return how to verify `host`, the first one if left out, for py-amqp's ``ssl``; `None` without TLS.

    `None` and not an empty dictionary, which would mean no TLS with ``amqp``, and a verified chain without
    a name with ``amqps``.

    Raises:
        ConfigurationError: py-amqp does not support what the connection requires.
        TypeError: `connection` was not judged.
    """
    insist(connection, "py-amqp", AMQP, _OPTIONS)
    if refused := sorted(_REFUSED & connection.parameters.keys()):
        refuse(connection, f"py-amqp {_REMEDIES.get(refused[0], f'does not support {refused[0]}. Remove it')}")
    if connection.tls.level < TlsLevel.ENCRYPTED:
        return None
    found: Arguments = {"cert_reqs": ssl.CERT_REQUIRED if connection.tls.ca else ssl.CERT_NONE}
    if connection.tls.ca:
        found["ca_certs"] = connection.tls.ca.file()
    if connection.tls.level == TlsLevel.VERIFY_FULL:
        found["server_hostname"] = (host or connection.hosts[0]).host
    if "sslcert" in connection.parameters:
        # With an encrypted key py-amqp would ask on the terminal; this refuses it.
        ssl_context.build(connection)
        found |= {"certfile": connection.parameters["sslcert"], "keyfile": connection.parameters["sslkey"]}
    return found


def options(connection: SecuredConnection) -> Options:
    """Return the other stated parameters, as py-amqp's arguments.

    Raises:
        ConfigurationError: py-amqp does not support a stated parameter.
        TypeError: `connection` was not judged.
    """
    insist(connection, "py-amqp", AMQP, _OPTIONS)
    stated = {name: text for name, text in connection.parameters.items() if name in _OPTIONS}
    return cast("Options", {_OPTIONS[name][0]: _OPTIONS[name][1](text) for name, text in stated.items()})


_OPTIONS: dict[str, tuple[str, Callable[[str], object]]] = {
    "heartbeat": ("heartbeat", int),
    "connect_timeout": ("connect_timeout", float),
    "connection_timeout": ("connect_timeout", lambda milliseconds: int(milliseconds) / 1000),
    "auth_mechanism": ("login_method", str),
    "channel_max": ("channel_max", int),
    "frame_max": ("frame_max", int),
    "locale": ("locale", str),
    "confirm_publish": ("confirm_publish", lambda text: text == "true"),
}
"""By the parameter of the URI: py-amqp's name for it, and the type that it is converted to."""

_REFUSED = CONTEXT - {"sslmode", "sslrootcert", "sslcert", "sslkey"}
_REMEDIES = {
    "sslpassword": ("does not support a password for sslkey. Name a key file without one, and remove sslpassword")
}
