"""The texts of caches that Django has without a server, as django-environ and django-cache-url spell them.

``locmemcache://``, ``dummycache://``, ``dbcache://table`` and ``filecache:///directory`` (environ.Env.CACHE_SCHEMES),
and the shorter ``locmem://``, ``dummy://``, ``db://table`` and ``file:///directory`` (django-cache-url). Parameters
are refused: options of a cache belong into ``CACHES``.
"""

from __future__ import annotations

import re

from envconn.connection import Connection, Host
from envconn.families import DJANGO_CACHE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Origin


def serverless(text: str, origin: Origin) -> Connection | None:
    """Return the cache without a server, whose `dbname` is the whole `text`; `None` for any other."""
    if not (match := _CACHE.fullmatch(text)):
        return None
    scheme = next(kind for kind, found in match.groupdict().items() if found is not None)
    return Connection(family=DJANGO_CACHE, scheme=scheme, hosts=(Host("", 0),), user="", dbname=text, origin=origin)


_CACHE = re.compile(
    r"(?:"
    r"loc-?mem(?:cache)?://(?P<locmem>[\w.-]*)"
    r"|dummy(?:cache)?://(?P<dummy>)"
    r"|db(?:cache)?://(?P<db>[A-Za-z_]\w*)"
    r"|file(?:cache)?://(?P<file>/[^?#%\x00-\x1f]+)"
    r")",
    re.ASCII,
)
