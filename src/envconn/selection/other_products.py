"""Variables of other products: what the scheme of a text says that it is for, if envconn configures no such service.

A process has variables of other products, and some of them share a suffix or a name with those that are read
(``JDBC_DATABASE_URL``, ``FIREBASE_DATABASE_URL``, ``CELERY_BROKER_URL=sqs://``). These are noted, and there is no such
service; the error for a program that uses it says why.
"""

from __future__ import annotations

import re

from envconn.errors import Finding, note, problem
from envconn.families import BY_SCHEME, FAMILIES
from envconn.selection.variables import REDIS as _SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.connection import Connection

CODE = "service-foreign"
"""The code of the note, and of the problem if the service is used."""
WAIVED = "service-waived"
"""The code of the note if a waiver leaves the service to the program."""


def title(text: str, role: str) -> str:
    """Return what `text`, of a variable for `role`, holds if that is another product's; otherwise nothing.

    A scheme that is nearly a known one is a mistake, not another product, and so is a list of brokers that has a known
    one behind the first. No part of the text is in the result.
    """
    if known_member(text, role):
        return ""
    match = _SCHEME.match(text.strip().lower())
    if not match or match[1] in BY_SCHEME or not (match[2] or match[1].startswith(_WITHOUT_SLASHES)):
        return ""
    for scheme in (match[1], match[1].partition(":")[0], match[1].partition("+")[0]):
        if found := _OF_ROLES.get(role, {}).get(scheme) or _PRODUCTS.get(scheme):
            return found
    return "" if _is_nearly_known(match[1]) else "a URL of an unknown scheme"


def known_member(text: str, role: str) -> int:
    """Return where the ``;`` is before a broker that envconn judges, of a list whose first it does not; 0 if nowhere.

    kombu fails over from each to the next, and takes one without a scheme for AMQP (kombu/connection.py, 5.7.0).
    """
    position = text.find(";")
    first, *others = (each.strip().lower().partition("://") for each in text.split(";"))
    is_known = any(not each[1] or each[0] in BY_SCHEME for each in others)
    return position + 1 if role == "broker" and is_known and first[1] and first[0] not in BY_SCHEME else 0


_SCHEME = re.compile(r"((?:r2dbc:|jdbc:)?[a-z][a-z0-9+.-]*):(//)?")
_WITHOUT_SLASHES = ("jdbc:", "r2dbc:", "file")


def _is_nearly_known(scheme: str) -> bool:
    from difflib import get_close_matches  # imported only for a scheme that is unknown

    base = scheme.partition("+")[0]
    return base in BY_SCHEME or bool(get_close_matches(base, BY_SCHEME, 1, 0.7))


def unused(variable: str, held: str, service: str | None) -> Finding:
    """Return the note that `variable` holds `held` and is not used for `service`; `None` for several."""
    found = note(CODE, variable, f"is not used: it holds {held}, which envconn does not configure")
    return found.of(service) if service else found


def waived(variable: str, held: str, waiver: str, service: str) -> Finding:
    """Return the note that `variable` holds `held`, and that a `waiver` leaves this `service` to the program."""
    message = f"is not judged, and may be unencrypted: it holds {held}, which {waiver} leaves to the program"
    return note(WAIVED, variable, message).of(service)


def misplaced(connection: Connection, what: str, service: str) -> Finding:
    """Return the note that `connection` is of a family that cannot be `what`, and is not used for `service`."""
    family = FAMILIES[connection.family]
    message = f"is not used: it holds {family.title} URL, but {what} URL is expected"
    return note(CODE, connection.origin.variable, message).of(service)


def asked_for(name: str, found: Finding) -> Finding:
    """Return the problem if the service `name` is used, which does not exist for the reason in the note `found`."""
    remedy = _WITHOUT_VERDICT if found.code == WAIVED else _REMEDIES.get(name, _DATABASE)
    return problem(CODE, found.variable, f"{found.message.partition(': it ')[2]}. {remedy}")


_WITHOUT_VERDICT = "Connect with Celery's own settings, as envconn has no verdict on it"
_DATABASE = "Set it to the URL of a database, or use this product's own client"
_REMEDIES = {
    "broker": "Set it to the URL of a Redis or AMQP broker, or add its scheme to ENVCONN_BROKER_TLS_WAIVE",
    "results": "Set it to the URL of a Redis or a database, or add its scheme to ENVCONN_RESULTS_TLS_WAIVE",
    "cache": "Set it to the URL of a Redis, or write CACHES yourself",
}


def _each(names: str, title_: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), title_)


_PRODUCTS: Mapping[str, str] = {
    **_each("jdbc", "a URL of Java (jdbc:)"),
    **_each("r2dbc", "a URL of Java (r2dbc:)"),
    **_each("http https", "the address of an HTTP service"),
    **_each("ws wss", "the address of a WebSocket service"),
    **_each("file", "the path of a file"),
    **_each("libsql", "a URL of libSQL or Turso"),
    **_each("mongodb mongo", "a URL of MongoDB"),
    **_each("clickhouse clickhouses clickhousedb ch chs", "a URL of ClickHouse"),
    **_each("snowflake", "a URL of Snowflake"),
    **_each("bigquery", "a URL of BigQuery"),
    **_each("databricks", "a URL of Databricks"),
    **_each("trino presto hive impala druid", "a URL of a query engine"),
    **_each("awsathena", "a URL of Amazon Athena"),
    **_each("mssql sqlserver mssqlms", "a URL of SQL Server"),
    **_each("oracle", "a URL of Oracle"),
    **_each("db2 ibm_db_sa ibmi", "a URL of Db2"),
    **_each("firebird hana sybase teradatasql vertica", "a URL of another database"),
    **_each("duckdb motherduck", "a URL of DuckDB"),
    **_each("cassandra scylla astra", "a URL of Cassandra"),
    **_each("couchdb couchbase couchbases", "a URL of CouchDB or Couchbase"),
    **_each("neo4j neo4js bolt bolts memgraph", "a URL of Neo4j"),
    **_each("surrealdb rethinkdb arangodb dgraph edgedb gel", "a URL of another database"),
    **_each("elasticsearch opensearch", "a URL of Elasticsearch or OpenSearch"),
    **_each("influxdb questdb", "a URL of a time series database"),
    **_each("prisma", "a URL of Prisma's own proxy"),
    **_each("ldap ldaps", "the address of a directory"),
    **_each("smtp smtps", "the address of a mail server"),
    **_each("s3 gs azure abfs", "the address of an object store"),
    **_each("nats mqtt mqtts kafka pulsar", "the address of a message system"),
    **_each("memcached memcache", "the address of a memcached"),
    **_each("dynamodb", "the address of a DynamoDB"),
}
"""What is held, by the scheme, in any variable."""

_TRANSPORTS: Mapping[str, str] = {
    **_each("sqs", "the Amazon SQS transport of Celery"),
    **_each("kafka confluentkafka", "the Kafka transport of Celery"),
    **_each("gcpubsub", "the Google Pub/Sub transport of Celery"),
    **_each("azureservicebus azurestoragequeues", "an Azure transport of Celery"),
    **_each("mongodb", "the MongoDB transport of Celery"),
    **_each("sqla sqlalchemy", "the SQLAlchemy transport of Celery"),
    **_each("rediscluster", "the Redis Cluster transport of Celery"),
    **_each("zookeeper consul etcd", "a transport of Celery over a key-value store"),
    **_each("qpid pyro slmq librabbitmq django native", "a transport of Celery"),
    **_each("memory filesystem", "an unusual form of a transport of Celery without a network"),
}
"""kombu's transports (5.7.0, TRANSPORT_ALIASES) that envconn does not configure, and those of earlier versions."""

_CACHES: Mapping[str, str] = {
    **_each("umemcached djangopylibmc", "a memcached cache of Django"),
    **_each("memcached memcache pymemcache pymemcached pylibmc", "an unusual form of a memcached cache of Django"),
    **_each("elasticache uwsgicache uwsgi", "a cache of Django"),
    **_each("rediscache redis-cache hiredis", "a Redis cache under a scheme of another library (write rediss://)"),
    **_each(
        "locmemcache locmem dummycache dummy dbcache db filecache file",
        "an unusual form of a cache of Django without a server",
    ),
}
"""The schemes of django-environ (0.14.0, CACHE_SCHEMES) and django-cache-url that envconn does not configure."""

_OF_ROLES: Mapping[str, Mapping[str, str]] = {"broker": _TRANSPORTS, "cache": _CACHES}


def about(name: str, notes: Iterable[Finding]) -> Finding | None:
    """Return the problem if the service `name` is used, and one of the `notes` says why it does not exist."""
    shared = _SHARED if name in {"broker", "cache"} else ()
    matching = [
        each for each in notes if each.code in {CODE, WAIVED} and (each.service == name or each.variable in shared)
    ]
    return asked_for(name, matching[0]) if matching else None
