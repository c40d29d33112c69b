"""A service that a platform has bound to the application: its name, its family, and its credentials.

Names are those of the Service Binding Specification, of brokers on Cloud Foundry, of RDS in AWS Secrets Manager, and
of Upsun. In JSON, a duplicate key is an error, because programs differ about which one they use. Exceptions of
the parser are caught: `json.JSONDecodeError` holds the whole text.
"""

from __future__ import annotations

import re

from envconn.connection import Parameters
from envconn.errors import Finding, problem
from envconn.families import BY_WORD
from envconn.records import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envconn.connection import Origin, Secret
    from envconn.errors import Finding


_LONGEST_NAME = 63


class BoundService(Record):
    """One bound service: its name, its family, its credentials, and where it was found."""

    name: str
    family: str
    credentials: Credentials
    origin: Origin


def bound_service(name: str, family: str, credentials: Credentials, origin: Origin) -> BoundService:
    """Return the service that `origin.variable` calls `name`."""
    plain = slug(name)
    return BoundService(plain, family, credentials, replace(origin, variable=f"{origin.variable}/{plain}"))


def slug(name: str) -> str:
    """Return `name` in a form that is safe in messages: Cloud Foundry allows any text."""
    return re.sub("[^a-z0-9._-]+", "-", name.lower())[:_LONGEST_NAME].strip("-.") or "unnamed"


_DEEPEST = 4  # levels of objects and lists, as in credentials.tls.cert.ca


class Credentials(Record):
    """The credentials of one service, under the platform's own names; those of nested objects are joined with dots.

    `others` has the names whose value is not a text: numbers other than ports, lists, and the like.
    """

    texts: Parameters = Parameters()
    others: frozenset[str] = frozenset()


def parse(text: Secret, variable: str, limit: int) -> Mapping[str, object] | Finding:
    """Return the JSON object in `text`, which has at most `limit` bytes, or the `Finding` with its problem.

    `variable` is the name for messages.
    """
    import json

    revealed = text.reveal()
    if len(revealed.encode("utf-8", "surrogatepass")) > limit:
        return problem("json-too-large", variable, f"the JSON has more than {limit:,} bytes. Shorten it")
    try:
        found = json.loads(revealed.lstrip("\ufeff \t\r\n"), object_pairs_hook=_object)
    except json.JSONDecodeError as failure:
        where = f"line {failure.lineno}, column {failure.colno}"
        return problem("json-invalid", variable, f"the JSON is invalid at {where}. Correct it")
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        return problem("json-invalid", variable, "a number or the nesting of the JSON is too long. Correct it")
    if any(isinstance(each, _Twice) for each in _everything(found)):
        return problem("json-duplicate", variable, "an object of the JSON has the same key twice. Keep one of the two")
    if not isinstance(found, dict):
        return problem("json-invalid", variable, 'the JSON is not an object. Write {"name": "value", ...}')
    return found


def flatten(found: Mapping[str, object]) -> Credentials:
    """Return the texts in `found` by their names; a port may be a number, and null is ignored."""
    texts: dict[str, str] = {}
    others: set[str] = set()
    for name, value in _leaves(found, "", _DEEPEST):
        if isinstance(value, str):
            texts[name] = value
        elif isinstance(value, int) and not isinstance(value, bool) and name.endswith("port"):
            texts[name] = str(value)
        elif value is not None:
            others.add(name)
    return Credentials(Parameters(texts), frozenset(others))


class _Twice:
    """Replaces an object with a duplicate key: an exception would hold its values."""


def _object(pairs: Iterable[tuple[str, object]]) -> object:
    found = list(pairs)
    made = dict(found)
    return made if len(made) == len(found) else _Twice()


def _everything(found: object) -> Iterator[object]:
    """Yield every value in `found`, at any depth; the parser limits that."""
    waiting = [found]
    while waiting:
        yield (each := waiting.pop())
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()


def _leaves(found: Mapping[str, object], prefix: str, depth: int) -> Iterator[tuple[str, object]]:
    for key, value in found.items():
        yield f"{prefix}{key}", value
        if isinstance(value, dict) and depth > 1:
            yield from _leaves(value, f"{prefix}{key}.", depth - 1)


NAMES: Mapping[str, tuple[str, ...]] = {
    "uri": ("protocols.amqp+ssl.uri", "uri", "url"),
    "host": ("host", "hostname"),
    "port": ("port",),
    "tls_port": ("tls_port", "ssl_port"),
    "user": ("username", "user"),
    "password": ("password",),
    "dbname": ("dbname", "database", "db_name", "vhost", "virtual_host"),
    "label": ("path", "name"),
    "sslmode": ("sslmode",),
    "sslrootcert": ("certificates", "sslrootcert", "cacrt", "ca_certificate", "ca_cert", "cacert", "ca", "tls.cert.ca"),
    "sslcert": ("sslcert",),
    "sslkey": ("sslkey",),
    "word": ("engine", "scheme", "type"),
}
"""The names of each part, of which the first that is present is used. A ``label`` is the database only if no other
name is present; with a URI it may be anything. A ``word`` says which kind of service it is."""


def kind_of(word: str) -> str:
    """Return the family of a service called `word` (``postgresql:16`` on Upsun), or empty."""
    return BY_WORD.get(re.split(r"[:+]", word.strip().lower(), maxsplit=1)[0], "")


def kind_among(words: Iterable[str]) -> str:
    """Return the family that the first of `words` contains the name of (``p-redis``)."""
    found = (family for word in words for piece in re.split("[^a-z]+", word.lower()) if (family := BY_WORD.get(piece)))
    return next(found, "")
