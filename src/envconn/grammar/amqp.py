"""AMQP 0-9-1 URIs, after kombu's url_to_parts, which Celery uses, with RabbitMQ's parameters for TLS.

The reference is kombu 5 with py-amqp; the query parameters are those of RabbitMQ's page "URI Query Parameters"
and of pika. Deliberate differences, all refusals but the last two:

- a virtual host with a raw ``/`` in it, which RabbitMQ's URI specification forbids and kombu
  reads; ``//``, as Celery's documentation writes it, is the virtual host ``/``;
- a raw ``;``, at which kombu splits, unless a whole URI follows; and members of such a list that differ in more than
  the host: kombu would log in to each with its own user, and use the parameters of the first;
- everything that `envconn.grammar.uri` refuses;
- only user or only password: kombu would add ``guest`` for the other one. Without both, they are empty,
  and the client logs in as ``guest``;
- TLS parameters with ``amqp``, which kombu refuses and RabbitMQ's client ignores;
- ``server_name_indication`` with another name than the host's;
- ``amqps`` without parameters is verified, chain and name; kombu alone checks the chain, and the name only
  if it is told to (`envconn.drivers`);
- an empty path and ``/`` alone are the virtual host ``/``, as in kombu. To RabbitMQ's specification
  the second one is the virtual host with the empty name, which is very rare.
"""

from __future__ import annotations

import re

from envconn.families import AMQP, FAMILIES
from envconn.grammar.text import decode
from envconn.grammar.uri import (
    DECIMAL,
    FLAG,
    NUMBER,
    Parameter,
    make_connection,
    read_host,
    read_query,
    settle_tls,
    split_uri,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.connection import Connection, Host
    from envconn.grammar.text import ParseState
    from envconn.grammar.uri import Uri


_LONGEST_VHOST = 255  # bytes: a shortstr in the protocol (AMQP 0-9-1, 4.2.5.3)
_MECHANISMS = {name: name.upper() for name in ("plain", "amqplain", "external")}

_VERIFY = "is not supported. Use verify=verify_peer or verify=verify_none"
_CA = "is not supported. Use cacertfile"
_CERT = "is not supported. Use certfile"
_KEY = "is not supported. Use keyfile"
_BEFORE_HOST = "is not supported. Write user:password@ before the host"

PARAMETERS = {
    "verify": Parameter(
        becomes="sslmode",
        meaning={"verify_peer": "verify-full", "verify_none": "require"},
        shape="verify_peer or verify_none",
        code="sslmode-unknown",
    ),
    "cacertfile": Parameter(becomes="sslrootcert"),
    "certfile": Parameter(becomes="sslcert"),
    "keyfile": Parameter(becomes="sslkey"),
    "password": Parameter(becomes="sslpassword", secret=True),  # of the key file, in RabbitMQ's client
    "server_name_indication": Parameter(),
    # Seconds, but for connection_timeout: milliseconds, as in RabbitMQ's client.
    "heartbeat": NUMBER,
    "connection_timeout": NUMBER,
    "connect_timeout": DECIMAL,
    "socket_timeout": DECIMAL,
    "blocked_connection_timeout": DECIMAL,
    "connection_attempts": NUMBER,
    "retry_delay": DECIMAL,
    "channel_max": NUMBER,
    "frame_max": NUMBER,
    "locale": Parameter(pattern="[A-Za-z_]{1,32}", shape="a locale such as en_US"),
    "auth_mechanism": Parameter(meaning=_MECHANISMS, folded=True, shape="plain, amqplain or external"),
    "login_method": Parameter(
        becomes="auth_mechanism", meaning=_MECHANISMS, folded=True, shape="plain, amqplain or external"
    ),
    "confirm_publish": FLAG,
    "user": Parameter(refusal=_BEFORE_HOST),
    "username": Parameter(refusal=_BEFORE_HOST),
    "vhost": Parameter(refusal="is not supported. Write /name after the host, or /%2F for the virtual host called /"),
    "virtual_host": Parameter(
        refusal=("is not supported. Write /name after the host, or /%2F for the virtual host called /")
    ),
    "ssl": Parameter(refusal="is not supported. Remove it, and begin with amqps:// for TLS"),
    "ssl_options": Parameter(refusal="is not supported. Use amqps://, cacertfile, certfile and keyfile"),
    "sslmode": Parameter(refusal="is not supported. Use amqps://, and verify=verify_peer or verify=verify_none"),
    "ssl_cert_reqs": Parameter(refusal=_VERIFY),
    "cert_reqs": Parameter(refusal=_VERIFY),
    "ssl_check_hostname": Parameter(refusal="is not supported. Remove it: verify=verify_peer checks the hostname"),
    "ssl_ca_certs": Parameter(refusal=_CA),
    "ca_certs": Parameter(refusal=_CA),
    "sslrootcert": Parameter(refusal=_CA),
    "ssl_certfile": Parameter(refusal=_CERT),
    "sslcert": Parameter(refusal=_CERT),
    "ssl_keyfile": Parameter(refusal=_KEY),
    "sslkey": Parameter(refusal=_KEY),
    "credential_provider": Parameter(refusal="is code to run. Remove it, and configure it in the program"),
}

_FAMILY = FAMILIES[AMQP]
GUEST = "guest"
"""The user of a new RabbitMQ, and its password, which kombu adds (kombu/transport/pyamqp.py)."""


def read_uri(state: ParseState, scheme: str, text: str) -> Connection | None:
    """Read ``amqps://user:password@host:port/vhost?name=value&...``, or several of them with semicolons between.

    Returns `None` if something is wrong; `state` then holds the problems. The virtual host is in
    `Connection.dbname`.
    """
    secure = scheme == _FAMILY.secure
    uris = [*_split_members(state, scheme, text)]
    if None in uris:
        return None
    uri, *others = [_with_guest(each) for each in uris if each is not None]
    _check_credentials(state, uri)
    port = _FAMILY.tls_port if secure else _FAMILY.port
    hosts = tuple(host for each in (uri, *others) for host in read_host(state, each.netloc, port, several=_LIST))
    vhost = _read_vhost(state, uri)
    for other in others:
        _compare(state, uri, other)
    query = read_query(state, uri.query, uri.query_start, PARAMETERS)
    _check_name(state, hosts, query.values.pop("server_name_indication", None), secure=secure)
    settle_tls(state, query.values, secure=secure, remedy="Use amqps://, or remove them")
    return make_connection(state, uri, query, hosts, vhost)


def _with_guest(uri: Uri) -> Uri:
    return uri._replace(password=GUEST) if uri.user == GUEST and not uri.password else uri


def _split_members(state: ParseState, scheme: str, text: str) -> Iterator[Uri | None]:
    """Split the list and each member into parts; stop at the first invalid one."""
    start = 0
    for member in re.split(r";(?=[a-z][a-z0-9+]*://)", text):
        found = member.partition("://")[0]
        if (found == _FAMILY.secure) != (scheme == _FAMILY.secure) or found not in _FAMILY.schemes:
            state.refuse("broker-list", f"the list has {_SCHEMES}")
            yield None
            return
        yield split_uri(state, AMQP, found, member, PARAMETERS, semicolons=False, before=start)
        start += len(member) + 1


_LIST = "there are several hosts in one URL. Write a URL for each, with semicolons between them"
_SCHEMES = "different schemes, and is as safe as its weakest member. Write amqps:// in all of them"


def _compare(state: ParseState, first: Uri, other: Uri) -> None:
    """Refuse a member that differs from the first in more than the host."""
    for part, mine, theirs in (
        ("user or password", (first.user, first.password), (other.user, other.password)),
        ("virtual host", _vhost(first.path), _vhost(other.path)),
        ("parameters", first.query, other.query),
    ):
        if mine != theirs:
            message = f"a later URL of the list differs from the first one in its {part}. Write the same in each"
            state.refuse("broker-list", message)


def _vhost(path: str) -> str:
    return "" if path in {"/", "%2F", "%2f"} else path


def _check_credentials(state: ParseState, uri: Uri) -> None:
    if uri.user and not uri.password:
        state.refuse("password-missing", "there is a user without a password. Write user:password@ before the host")
    elif uri.password and not uri.user:
        state.refuse("user-missing", "there is a password without a user. Write user:password@ before the host")


def _read_vhost(state: ParseState, uri: Uri) -> str:
    if uri.path in ("", "/"):
        return _FAMILY.dbname
    if "/" in uri.path:
        state.refuse("slash-unencoded", 'raw "/" in the virtual host. Write %2F')
    vhost = decode(state, uri.path, "the virtual host", uri.path_start) or ""
    if len(vhost.encode()) > _LONGEST_VHOST:
        state.refuse("dbname-too-long", f"the virtual host has more than {_LONGEST_VHOST} bytes. Shorten it")
    return vhost


def _check_name(state: ParseState, hosts: tuple[Host, ...], name: str | None, *, secure: bool) -> None:
    """Accept a stated server name only if it is the host's own."""
    if name is None:
        return
    if not secure:
        state.refuse("tls-scheme", "server_name_indication needs TLS. Use amqps://, or remove it")
    elif any(name.lower() != host.host.lower() for host in hosts):
        state.refuse(
            "sni-refused", "server_name_indication differs from the host. Remove it: the hostname is sent and checked"
        )
