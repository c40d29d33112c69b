"""The texts of Django's own caches, but for Redis, as django-environ and django-cache-url spell them.

``locmemcache://``, ``dummycache://``, ``dbcache://table`` and ``filecache:///directory`` (environ.Env.CACHE_SCHEMES),
and the shorter ``locmem://``, ``dummy://``, ``db://table`` and ``file:///directory`` (django-cache-url). Memcached is
``memcache://host:port,host:port`` or ``memcache:///socket``, with the other names of `_MEMCACHED`. Parameters are
refused: options of a cache belong into ``CACHES``. So is a login, for which Django has no place in ``LOCATION``.
"""

from __future__ import annotations

import re

from envconn.connection import Connection, Host, Parameters
from envconn.families import DJANGO_CACHE, FAMILIES, MEMCACHED
from envconn.grammar.text import ParseState
from envconn.grammar.uri import read_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Origin


def serverless(text: str, origin: Origin) -> Connection | None:
    """Return the cache without a server, whose `dbname` is the whole `text`; `None` for any other."""
    if not (match := _CACHE.fullmatch(text)):
        return None
    scheme = next(kind for kind, found in match.groupdict().items() if found is not None)
    return Connection(family=DJANGO_CACHE, scheme=scheme, hosts=(Host("", 0),), user="", dbname=text, origin=origin)


def memcached(text: str, origin: Origin) -> Connection | None:
    """Return the Memcached of `text`, whose scheme names the client of Django's; `None` for any other text."""
    if not (match := _MEMCACHED.fullmatch(text)):
        return None
    state, port = ParseState(origin), FAMILIES[MEMCACHED].port
    hosts = [host for each in (match["hosts"] or "").split(",") for host in read_host(state, each, port)]
    if match["path"]:
        hosts = [Host(match["path"], 0)]
    elif state.problems:
        return None
    plain = Parameters({"sslmode": "disable"})
    return Connection(MEMCACHED, match["scheme"], tuple(hosts), user="", dbname="", parameters=plain, origin=origin)


_MEMCACHED = re.compile(
    r"(?P<scheme>(?:py)?memcached?|pylibmc)://"
    r"(?:(?P<path>/[^?#%,;@\s\x00-\x1f]+)|(?P<hosts>[^/?#%;@\s\x00-\x1f]+)/?)",
    re.ASCII,
)
_CACHE = re.compile(
    r"(?:"
    r"loc-?mem(?:cache)?://(?P<locmem>[\w.-]*)"
    r"|dummy(?:cache)?://(?P<dummy>)"
    r"|db(?:cache)?://(?P<db>[A-Za-z_]\w*)"
    r"|file(?:cache)?://(?P<file>/[^?#%\x00-\x1f]+)"
    r")",
    re.ASCII,
)
