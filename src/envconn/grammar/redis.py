"""URIs of Redis and Valkey, after redis-py's parse_url, and of the sentinels of a Redis.

The reference is redis-py 8; kombu (Celery's broker) reads the same texts by other rules. A text is accepted if
both read it alike, except for TLS parameters: kombu does not verify ``rediss://`` unless told to, and
redis-py does. The meaning here is redis-py's. Deliberate differences, all refusals but the last three:

- a database that is not plain digits (redis-py reads ``/x`` as 0 and ``/1/2`` as 12), and ``?db=``
  that contradicts the path;
- a raw ``;`` in what Celery may read by itself, because kombu splits there; and everything that `envconn.grammar.uri`
  refuses;
- a user name without a password, other than ``default``: in Redis URIs that is most often a password in the wrong
  place;
- ``ssl_*`` with ``redis://``, which turns TLS on in kombu and is an error in redis-py;
- ``ssl_cert_reqs=optional``, a value for servers, and flags other than true and false
  (``ssl_check_hostname=0`` is false to redis-py and true to kombu);
- ``ssl_cert_reqs=CERT_REQUIRED`` and ``CERT_NONE`` are kombu's spelling of redis-py's values;
- ``valkey`` and ``valkeys`` mean ``redis`` and ``rediss``;
- ``redis+socket`` with ``?virtual_host=`` is kombu's spelling of ``unix`` with ``?db=``.

redis-py has no URI for sentinels. These forms are in use and accepted:

- kombu's and Celery's ``sentinel://:password@h1:26379/0;sentinel://h2:26379``, a list without TLS, to which
  both add the master's name from elsewhere (``master_name`` in the transport options);
- ``redis+sentinel://user:password@h1:26379,h2/master/0`` and, with TLS to the sentinels and to
  the Redis that they name, ``rediss+sentinel://`` (docket and Prefect, LangChain, CoreDNS, ...).

User and password are those of the Redis, as for kombu; the sentinels' own are ``sentinel_username`` and
``sentinel_password``. Some clients send the former to the sentinels, too; here each server only gets
its own password. The other parameters are those of Redis. Deliberate differences, all refusals but the last:

- members of a list that differ from the first, which is the only one that Celery uses, and kombu until it
  tries the next;
- a database in the place of the name (``/0`` alone), and a name in the place of the database;
- ``ssl_*`` in a ``sentinel://`` list: kombu then uses TLS with the Redis, but not with the sentinels;
- the name of the master may be a parameter, as ``master_name`` or ``service_name``.
"""

from __future__ import annotations

import re

from envconn.connection import Host
from envconn.families import FAMILIES, REDIS, SENTINEL
from envconn.grammar.text import decode
from envconn.grammar.uri import (
    DECIMAL,
    FLAG,
    NUMBER,
    TEXT,
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

    from envconn.connection import Connection
    from envconn.grammar.text import ParseState
    from envconn.grammar.uri import Query, Uri


_SECURE = frozenset({"rediss", "valkeys", "rediss+sentinel"})
_SOCKETS = frozenset({"unix", "redis+socket"})
_REMEDIES = {
    "redis": "Use rediss://, or remove them",
    "valkey": "Use valkeys://, or remove them",
    "sentinel": "Use rediss+sentinel://h1,h2/master, or remove them",
    "redis+sentinel": "Use rediss+sentinel://, or remove them",
}
_LARGEST = 2_147_483_647  # the server keeps the number in an int

_BEFORE_HOST = "is not supported. Write user:password@ before the host, or :password@ without a user"
_OF_DJANGO = "is a setting of Django's cache. Remove it, and set {} in CACHES"
_NOT_TRANSLATED = "is not supported by every client. Remove it"

PARAMETERS = {
    "ssl_cert_reqs": Parameter(
        becomes="sslmode",
        meaning={
            "required": "verify-full",
            "CERT_REQUIRED": "verify-full",
            "none": "require",
            "CERT_NONE": "require",
        },
        shape="required or none",
        code="sslmode-unknown",
    ),
    "ssl_check_hostname": FLAG,
    "ssl_ca_certs": Parameter(becomes="sslrootcert"),
    "ssl_certfile": Parameter(becomes="sslcert"),
    "ssl_keyfile": Parameter(becomes="sslkey"),
    "ssl_password": Parameter(becomes="sslpassword", secret=True),
    "db": NUMBER,
    "virtual_host": NUMBER._replace(becomes="db"),
    # Arguments of redis-py's connections and pools that it casts when they are in a URI, and two texts.
    "socket_timeout": DECIMAL,
    "socket_connect_timeout": DECIMAL,
    "socket_read_size": NUMBER,
    "socket_keepalive": FLAG,
    "retry_on_timeout": FLAG,
    "max_connections": NUMBER,
    "health_check_interval": NUMBER,
    "timeout": DECIMAL,
    "protocol": Parameter(meaning={"2": "2", "3": "3"}, shape="2 or 3"),
    "client_name": TEXT,
    "encoding": TEXT,
    # Not cast: any text is true to redis-py, even "false".
    "decode_responses": Parameter(
        meaning={"true": "true"},
        folded=True,
        shape=("true. redis-py reads every value as true, so remove it instead of setting it to false"),
    ),
    "username": Parameter(refusal=_BEFORE_HOST, secret=True),
    "password": Parameter(refusal=_BEFORE_HOST, secret=True),
    "ssl": Parameter(refusal="is not supported. Remove it, and begin with rediss:// for TLS"),
    "sslmode": Parameter(refusal="is not supported. Use rediss://, and ssl_cert_reqs=required or none"),
    "ssl_ca_path": Parameter(
        refusal=("is a directory, which is not supported. Name a file of CA certificates with ssl_ca_certs")
    ),
    "ssl_ca_data": Parameter(refusal="is not supported. Name the file of the certificate with ssl_ca_certs"),
    "ssl_min_version": Parameter(refusal="is not supported. Remove it: TLS below 1.2 is never used"),
    "ssl_ciphers": Parameter(refusal=_NOT_TRANSLATED),
    "ssl_include_verify_flags": Parameter(refusal=_NOT_TRANSLATED),
    "ssl_exclude_verify_flags": Parameter(refusal=_NOT_TRANSLATED),
    "ssl_validate_ocsp": Parameter(refusal=_NOT_TRANSLATED),
    "ssl_validate_ocsp_stapled": Parameter(refusal=_NOT_TRANSLATED),
    "key_prefix": Parameter(refusal=_OF_DJANGO.format("KEY_PREFIX")),
    "key_function": Parameter(refusal=_OF_DJANGO.format("KEY_FUNCTION")),
    "version": Parameter(refusal=_OF_DJANGO.format("VERSION")),
    "credential_provider": Parameter(refusal="is code to run. Remove it, and configure it in the program"),
    "retry_on_error": Parameter(refusal="is not supported. Remove it, and configure it in the program"),
}


def read_uri(state: ParseState, scheme: str, text: str) -> Connection | None:
    """Read ``rediss://user:password@host:port/database?name=value&...`` and its variants.

    Returns `None` if something is wrong; `state` then holds the problems. The database is the number
    as text, ``0`` by default; a socket is a `Host` whose name is its path and whose port is 0.
    """
    if re.search(r"[;,][a-z][a-z0-9+]*://", text):
        state.refuse("hosts-several", _SEVERAL)
        return None
    uri = split_uri(state, REDIS, scheme, text, PARAMETERS, semicolons=not state.kombu)
    if uri is None:
        return None
    uri = _without_default(uri)
    if scheme in _SOCKETS:
        hosts, path = _read_socket(state, uri), ""
    elif not uri.netloc and uri.path.strip("0123456789"):
        state.refuse("socket-path", "the path of a socket follows, but no host. Write unix:///path?db=0")
        return None
    else:
        hosts, path = read_host(state, uri.netloc, FAMILIES[REDIS].port, several=_SEVERAL), uri.path
    number = read_number(state, path, uri.path_start)
    query = read_query(state, uri.query, uri.query_start, PARAMETERS)
    if scheme in _SOCKETS and "socket_keepalive" in query.values:
        state.refuse("parameter-refused", "socket_keepalive has no meaning for a socket of this machine. Remove it")
    dbname = choose_number(state, number, query.values.pop("db", ""))
    read_tls(state, scheme, query.values)
    return make_connection(state, uri, query, hosts, dbname)


_SEVERAL = (
    "there are several hosts, but Redis Cluster and lists of replicas are not supported. Name the primary, or its "
    "sentinels as rediss+sentinel://h1,h2/master"
)


def _without_default(uri: Uri) -> Uri:
    """Return `uri` without the user ``default`` that has no password: every client is that user before it logs in."""
    return uri._replace(user="") if uri.user == "default" and not uri.password else uri


def read_number(state: ParseState, path: str, start: int) -> str:
    """Return the number of the database in `path`, or an empty text; `start` is the offset of `path`."""
    number = decode(state, path, "the database", start)
    if number and not (number.isascii() and number.isdigit() and len(number) <= 10 and int(number) <= _LARGEST):
        state.refuse("dbname-invalid", "the database is not a number. Write /0 after the host, or remove it")
        return ""
    return str(int(number)) if number else ""


def choose_number(state: ParseState, in_path: str, in_query: str) -> str:
    """Return the number of the database from path and query, which must agree; ``0`` by default."""
    in_query = str(int(in_query)) if in_query else ""
    if in_path and in_query and in_path != in_query:
        state.refuse("dbname-contradicts", "the path and ?db= name different databases. Keep one")
    return in_path or in_query or FAMILIES[REDIS].dbname


def read_tls(state: ParseState, scheme: str, values: dict[str, str]) -> None:
    """Complete the TLS parameters in `values`: the scheme decides whether there is TLS."""
    checked, mode = values.pop("ssl_check_hostname", None), values.get("sslmode", "verify-full")
    if checked == "true" and mode == "require":
        state.refuse(
            "tls-contradicts", ("ssl_check_hostname=true requires ssl_cert_reqs=required. Keep one of the two")
        )
    elif checked and mode != "require":
        values["sslmode"] = "verify-full" if checked == "true" else "verify-ca"
    settle_tls(state, values, secure=scheme in _SECURE, remedy=_REMEDIES.get(scheme, "Remove them"))


def _read_socket(state: ParseState, uri: Uri) -> tuple[Host, ...]:
    path = decode(state, uri.path, "the path", uri.path_start)
    if uri.netloc or not path:
        # parse_url ignores the host here, so unix://run/redis.sock would be /redis.sock.
        state.refuse("socket-path", "the path of the socket is missing or begins with a host. Write unix:///path")
    return (Host(f"/{path}", 0),)


MASTER = "the master's name is invalid: expected letters, digits, dots, dashes and underscores. Correct it"
"""What is wrong with a name that `is_master` rejects."""

_KOMBU = "sentinel"  # the scheme whose members are URIs
_NAME = re.compile(r"[A-Za-z0-9._-]+")  # sentinel.conf, "sentinel monitor": the valid charset
_OTHER_CLIENTS_WORD = Parameter(refusal="is not supported. Use master_name")

SENTINEL_PARAMETERS = {
    **{name: parameter for name, parameter in PARAMETERS.items() if name != "virtual_host"},
    "master_name": Parameter(),
    "service_name": Parameter(becomes="master_name"),
    "min_other_sentinels": NUMBER,
    "sentinel_username": Parameter(),
    "sentinel_password": Parameter(secret=True),
    **dict.fromkeys(("master", "sentinelMasterId", "sentinelService", "sentinel_master_name"), _OTHER_CLIENTS_WORD),
}


def read_sentinel_uri(state: ParseState, scheme: str, text: str) -> Connection | None:
    """Read a list of sentinels, and the master and database that it names.

    Returns `None` if something is wrong; `state` then holds the problems. The hosts are the sentinels; the
    name is the parameter ``master_name``, absent if the text has none.
    """
    uris = [*_split_members(state, scheme, text)]
    if None in uris:
        return None
    first, *others = [_without_default(uri) for uri in uris if uri is not None]
    hosts = [host for uri in (first, *others) for host in _read_hosts(state, uri)]
    for other in others:
        _compare(state, first, other)
    if bool(first.user) and not first.password:
        state.refuse(
            "password-missing",
            "there is a user without a password. Write user:password@, or :password@ for a password without a user",
        )
    query = read_query(state, first.query, first.query_start, SENTINEL_PARAMETERS)
    name, number = _read_path(state, first, named="master_name" in query.values)
    _name(state, query, name)
    dbname = choose_number(state, read_number(state, number, first.path_start), query.values.pop("db", ""))
    read_tls(state, scheme, query.values)
    return make_connection(state, first, query, tuple(hosts), dbname)


def is_master(name: str) -> bool:
    """Whether `name` can be the name of a master."""
    return _NAME.fullmatch(name) is not None


def _split_members(state: ParseState, scheme: str, text: str) -> Iterator[Uri | None]:
    """Split the list and each member into parts; stop at the first invalid one."""
    start = 0
    for member in text.split(";") if scheme == _KOMBU else (text,):
        if not member.startswith(f"{scheme}://"):
            state.refuse("semicolon-unencoded", _NO_MEMBER.format(start))
            yield None
            return
        yield split_uri(state, SENTINEL, scheme, member, SENTINEL_PARAMETERS, semicolons=False, before=start)
        start += len(member) + 1


_NO_MEMBER = 'the ";" at character {} is not followed by sentinel://. Write %3B for a ";" in a password'


def _read_hosts(state: ParseState, uri: Uri) -> Iterator[Host]:
    if uri.scheme == _KOMBU and "," in uri.netloc:
        state.refuse("sentinel-list", "there is a comma in the host. Write sentinel://h1;sentinel://h2 instead")
        return
    for netloc in uri.netloc.split(","):
        yield from read_host(state, netloc, FAMILIES[SENTINEL].port)


def _compare(state: ParseState, first: Uri, other: Uri) -> None:
    """Refuse a member that differs from the first."""
    for part, mine, theirs in (
        ("user or password", (first.user, first.password), (other.user, other.password)),
        ("database", (first.path,), (other.path,)),
        ("parameters", (first.query,), (other.query,)),
    ):
        if any(theirs) and mine != theirs:
            message = f"a later sentinel:// has another {part} than the first one. Write it in the first one only"
            state.refuse("sentinel-list", message)


def _read_path(state: ParseState, uri: Uri, *, named: bool) -> tuple[str, str]:
    """Return the master's name and the database's number from the path, the latter as written."""
    first, slash, second = uri.path.partition("/")
    if uri.scheme == _KOMBU or (named and not slash and first.isdigit()):
        return "", uri.path
    if first.isascii() and first.isdigit():
        state.refuse("sentinel-master", "the master's name is missing. Write /name/0")
        return "", ""
    return decode(state, first, "the master's name", uri.path_start) or "", second


def _name(state: ParseState, query: Query, name: str) -> None:
    """Add the master's name to the parameters."""
    stated = query.values.get("master_name")
    if name and stated and name != stated:
        state.refuse("sentinel-master", "the path and master_name name different masters. Keep one")
    elif name or stated:
        query.values["master_name"] = name = name or stated or ""
        if not is_master(name):
            state.refuse("sentinel-master", MASTER)
