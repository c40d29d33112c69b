"""Celery's texts for the store of results, after celery/app/backends.py (5.7.0, by_url), and for a broker in memory.

The backend's name is what is before ``://``, or before the first ``+``. A URL of SQLAlchemy follows ``db+``, which may
be left out here. Deliberate differences, all of them refusals:

- a name alone (``redis``, ``cache``), whose server other settings name, and a class by its path;
- backends whose TLS envconn cannot check (``mongodb://``, ``s3://``, ...).
"""

from __future__ import annotations

import re

from envconn.connection import Connection, Host
from envconn.errors import problem
from envconn.families import BY_SCHEME, CELERY, serving
from envconn.grammar import read as read_service
from envconn.grammar import read_text
from envconn.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Origin, Secret
    from envconn.errors import Finding


def read(text: Secret, origin: Origin) -> Connection | tuple[Finding, ...]:
    """Return the connection for results that `text` describes, or everything that is wrong with it. Never raises."""
    written = text.reveal().strip()
    if found := serverless(written, origin):
        return found
    if BY_SCHEME.get(written.partition("://")[0].removeprefix(_SQL)) in serving("database"):
        outcome = read_text(text, origin, _SQL)
        found = outcome if isinstance(outcome, Connection) else None
        return replace(found, scheme=found.scheme.removeprefix(_SQL)) if found else outcome
    if _IS_BACKEND.fullmatch(written):
        return (problem("results-unsupported", origin.variable, _UNSUPPORTED),)
    return read_service(text, origin, kombu=True, role="results")


def in_process(text: str, origin: Origin) -> Connection | None:
    """Return the broker without a server, whose `dbname` is the whole `text`; `None` for any other."""
    return _whole(text, origin) if _IN_PROCESS.fullmatch(text) else None


# kombu's transports without a connection (kombu/transport/__init__.py, TRANSPORT_ALIASES); the name of the
# host is ignored, and the directories of filesystem:// are in broker_transport_options.
_IN_PROCESS = re.compile(r"(memory|filesystem)://(localhost)?/{0,2}")


def _whole(text: str, origin: Origin) -> Connection:
    scheme = text.partition("://")[0]
    return Connection(family=CELERY, scheme=scheme, hosts=(Host("", 0),), user="", dbname=text, origin=origin)


def serverless(text: str, origin: Origin) -> Connection | None:
    """Return the connection for results without a server, whose `dbname` is the whole `text`; `None` for any other."""
    name = text.partition("://")[0]
    if not re.fullmatch(_SERVERLESS.get(name, "(?!)"), text):
        return None
    return _whole(text, origin)


_SERVERLESS = {
    "rpc": "rpc(://)?",  # on the broker's connection
    "disabled": "disabled",
    "cache+memory": r"cache\+memory://",
    "file": "file:///[ -~]+",
    # Of django-celery-results: what Django's DATABASES and CACHES name.
    "django-db": "django-db",
    "django-cache": "django-cache",
}
_SQL = "db+"
_IS_BACKEND = re.compile(
    # A name alone, or the path of a class.
    r"[A-Za-z][\w.:-]*"
    # The other backends of Celery 5.4 to 5.7 (celery/app/backends.py, BACKEND_ALIASES), and of earlier versions.
    r"|(arangodb|azureblockblob|cache|cassandra|consul|cosmosdbsql|couchbase|couchdb|dynamodb|elasticsearch|gs"
    r"|memcache|mongodb|riak|s3)(\+[a-z0-9]+)*://.*",
    re.DOTALL,
)
_UNSUPPORTED = (
    "the TLS of this result backend cannot be checked. Use rediss://, db+postgresql://, db+sqlite:///, rpc:// or "
    "disabled"
)
