"""What platforms call the services that they bind, and the parts of what they tell about one.

Names are those of the Service Binding Specification, of brokers on Cloud Foundry, of RDS in AWS
Secrets Manager, and of Upsun.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KINDS", "NAMES", "kind_among", "kind_of"]

KINDS: Mapping[str, str] = {
    **dict.fromkeys(("postgresql", "postgres", "pgsql", "aurora-postgresql"), "postgresql"),
    **dict.fromkeys(("mysql", "mariadb", "aurora-mysql"), "mysql"),
    **dict.fromkeys(("redis", "rediss", "valkey", "valkeys"), "redis"),
    **dict.fromkeys(("amqp", "amqps", "rabbitmq"), "amqp"),
}
"""By a word for a service, in lower case: the protocol that it speaks."""

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
"""By the part: what it is called, of which the first one there counts. A ``label`` is the database where nothing else
names it; beside a URI it may be anything. A ``word`` says what service it is."""


def kind_of(word: str) -> str:
    """Return the protocol that a service called `word` speaks (``postgresql:16`` on Upsun), or empty."""
    return KINDS.get(re.split(r"[:+]", word.strip().lower(), maxsplit=1)[0], "")


def kind_among(words: Iterable[str]) -> str:
    """Return the protocol that the first of `words` gives away which has the word for one in it (``p-redis``)."""
    found = (kind for word in words for piece in re.split("[^a-z]+", word.lower()) if (kind := KINDS.get(piece)))
    return next(found, "")
