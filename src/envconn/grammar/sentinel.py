"""Redis Sentinel: the hosts that know which Redis is the master, and the name it has among them.

redis-py has no URI for it. Read here is what the field writes:

- kombu's and Celery's ``sentinel://:password@h1:26379/0;sentinel://h2:26379``, a list without TLS, to which
  both add the master's name from elsewhere (``master_name`` among the transport options);
- ``redis+sentinel://user:password@h1:26379,h2/master/0`` and, with TLS on the way to the sentinels and to
  the Redis that they name, ``rediss+sentinel://`` (docket and Prefect, LangChain, CoreDNS, ...).

User and password are those of the Redis, as to kombu; the sentinels' own are ``sentinel_username`` and
``sentinel_password``. Some clients send the former to the sentinels, too: here nobody is told a password
that is not his. The other parameters are those of `redis`. Deliberate differences, all refusals but the last:

- members of a list that say something else than the first, which counts to Celery, and to kombu until it
  tries the next;
- a database where the name is expected (``/0`` alone), and a name in the place of the database;
- ``ssl_*`` in a ``sentinel://`` list: kombu then speaks TLS with the Redis, and in clear with the sentinels;
- what `redis`, `_uri` and `_query` refuse;
- the name of the master may be a parameter, as ``master_name`` or ``service_name``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envconn.grammar._query import NUMBER, Parameter, read_query
from envconn.grammar._text import decode
from envconn.grammar._uri import conclude, read_host, take_apart
from envconn.grammar.redis import PARAMETERS, choose_number, read_number, read_tls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.connection import Connection, Host
    from envconn.grammar._query import Query
    from envconn.grammar._text import Reading
    from envconn.grammar._uri import Uri

__all__ = ["MASTER", "PORT", "is_master", "read_uri"]

PORT = 26379

MASTER = "the name of a master has letters, digits, dots, dashes and underscores alone; correct it"
"""What is wrong with a name that `is_master` turns down."""

_KOMBU = "sentinel"  # the scheme whose members are URIs
_NAME = re.compile(r"[A-Za-z0-9._-]+")  # sentinel.conf, "sentinel monitor": the valid charset
_ANOTHERS = Parameter(refusal="is another client's word; write master_name")

_PARAMETERS = {
    **{name: parameter for name, parameter in PARAMETERS.items() if name != "virtual_host"},
    "master_name": Parameter(),
    "service_name": Parameter(becomes="master_name"),
    "min_other_sentinels": NUMBER,
    "sentinel_username": Parameter(),
    "sentinel_password": Parameter(secret=True),
    **dict.fromkeys(("master", "sentinelMasterId", "sentinelService", "sentinel_master_name"), _ANOTHERS),
}


def read_uri(reading: Reading, scheme: str, text: str) -> Connection | None:
    """Read a list of sentinels, and what they name.

    Returns `None` when something is wrong; what, is in `reading` then. The hosts are the sentinels, the
    name is ``master_name`` among the parameters, and absent where the text has none.
    """
    uris = [*_taken_apart(reading, scheme, text)]
    if None in uris:
        return None
    first, *others = [uri for uri in uris if uri is not None]
    hosts = [host for uri in (first, *others) for host in _read_hosts(reading, uri)]
    for other in others:
        _compare(reading, first, other)
    if bool(first.user) and not first.password:
        reading.refuse("password-missing", "there is a user name and no password; write :password@ for one alone")
    query = read_query(reading, first.query, first.query_start, _PARAMETERS)
    name, number = _read_path(reading, first, named="master_name" in query.values)
    _name(reading, query, name)
    dbname = choose_number(reading, read_number(reading, number, first.path_start), query.values.pop("db", ""))
    read_tls(reading, scheme, query.values)
    return conclude(reading, first, query, tuple(hosts), dbname)


def is_master(name: str) -> bool:
    """Whether `name` can be the name of a master."""
    return _NAME.fullmatch(name) is not None


def _taken_apart(reading: Reading, scheme: str, text: str) -> Iterator[Uri | None]:
    """Take each member of the list apart; one that is none ends it."""
    start = 0
    for member in text.split(";") if scheme == _KOMBU else (text,):
        if not member.startswith(f"{scheme}://"):
            reading.refuse("semicolon-unencoded", _NO_MEMBER.format(start))
            yield None
            return
        yield take_apart(reading, "sentinel", scheme, member, semicolons=False, before=start)
        start += len(member) + 1


_NO_MEMBER = 'behind the ";" at character {} no sentinel:// follows; write %3B for one in a password'


def _read_hosts(reading: Reading, uri: Uri) -> Iterator[Host]:
    if uri.scheme == _KOMBU and "," in uri.netloc:
        reading.refuse("sentinel-list", "there is a comma in the host; write sentinel://h1;sentinel://h2 to kombu")
        return
    for netloc in uri.netloc.split(","):
        yield from read_host(reading, netloc, PORT)


def _compare(reading: Reading, first: Uri, other: Uri) -> None:
    """Refuse a member that says something else than the first."""
    for part, mine, theirs in (
        ("user name or password", (first.user, first.password), (other.user, other.password)),
        ("database", (first.path,), (other.path,)),
        ("parameters", (first.query,), (other.query,)),
    ):
        if any(theirs) and mine != theirs:
            message = f"a later sentinel:// has another {part} than the first, which counts; write them there alone"
            reading.refuse("sentinel-list", message)


def _read_path(reading: Reading, uri: Uri, *, named: bool) -> tuple[str, str]:
    """Return the master's name and the database's number as they are in the path, the latter as written."""
    first, slash, second = uri.path.partition("/")
    if uri.scheme == _KOMBU or (named and not slash and first.isdigit()):
        return "", uri.path
    if first.isascii() and first.isdigit():
        reading.refuse("sentinel-master", "a number stands where the master's name belongs; write /name/0")
        return "", ""
    return decode(reading, first, "the master's name", uri.path_start) or "", second


def _name(reading: Reading, query: Query, name: str) -> None:
    """Put the master's name among the parameters."""
    stated = query.values.get("master_name")
    if name and stated and name != stated:
        reading.refuse("sentinel-master", "the path and master_name name different masters; keep one")
    elif name or stated:
        query.values["master_name"] = name = name or stated or ""
        if not is_master(name):
            reading.refuse("sentinel-master", MASTER)
