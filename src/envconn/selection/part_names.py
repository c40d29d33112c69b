"""How the parts of a connection are spelled in names and values of variables: ``DB_SSL_MODE``, ``DB_ENGINE``.

The names are those in use by frameworks, images and platforms: Django's settings, Laravel's ``DB_CONNECTION``, Rails,
TypeORM, Sequelize, the images of PostgreSQL and MySQL, and libpq's keywords with and without underscores.
"""

from __future__ import annotations

import re

from envconn import families

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SPELLINGS: Mapping[str, str] = {
    "host": "HOST",
    "port": "PORT",
    "dbname": "NAME DBNAME DATABASE DB DATABASE_NAME DB_NAME",
    "user": "USER USERNAME USER_NAME LOGIN",
    "password": "PASSWORD PASS PASSWD PWD PW",
    "scheme": "ENGINE DIALECT DRIVER ADAPTER VENDOR CONNECTION TYPE KIND",
    "sslmode": (
        "SSLMODE SSL_MODE TLS_MODE TLSMODE SSL TLS USE_SSL USE_TLS SSL_ENABLED TLS_ENABLED ENABLE_SSL ENABLE_TLS "
        "REQUIRE_SSL REQUIRE_TLS SSL_REQUIRE SSL_REQUIRED SSLREQUIRE"
    ),
    "sslrootcert": (
        "SSLROOTCERT SSL_ROOT_CERT SSL_ROOTCERT SSL_ROOT_CERT_FILE SSL_ROOT_CERT_PATH SSL_ROOT_CA SSLCA SSL_CA "
        "SSL_CA_FILE SSL_CAFILE SSL_CA_PATH SSL_CA_CERT SSL_CA_CERT_FILE SSL_CA_CERT_PATH SSL_CACERT TLS_CA "
        "TLS_CA_FILE TLS_CA_CERT TLS_CA_PATH CA CA_FILE CA_PATH CA_CERT CA_CERT_FILE CA_CERT_PATH CACERT "
        "CA_CERTIFICATE ROOT_CERT "
        "ROOT_CA"
    ),
    "sslcert": (
        "SSLCERT SSL_CERT SSL_CERT_FILE SSL_CERT_PATH SSL_CERTFILE SSL_CLIENT_CERT SSL_CLIENT_CERT_FILE TLS_CERT "
        "TLS_CERT_FILE CLIENT_CERT CLIENT_CERT_FILE CLIENT_CERT_PATH CLIENT_CERTIFICATE"
    ),
    "sslkey": (
        "SSLKEY SSL_KEY SSL_KEY_FILE SSL_KEY_PATH SSL_KEYFILE SSL_CLIENT_KEY SSL_CLIENT_KEY_FILE TLS_KEY TLS_KEY_FILE "
        "CLIENT_KEY CLIENT_KEY_FILE CLIENT_KEY_PATH"
    ),
    "sslcrl": "SSLCRL SSL_CRL SSL_CRL_FILE",
    "channel_binding": "CHANNEL_BINDING CHANNELBINDING",
}

SUFFIXES: Mapping[str, str] = {word: keyword for keyword, words in _SPELLINGS.items() for word in words.split()}
"""The keyword of each word that may follow the prefix of a family, such as ``DB_``."""

FILES = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})
"""The keywords whose value is a path: ``DB_SSL_CA_FILE`` is one, not a file with the value of ``DB_SSL_CA``."""

TLS = FILES | {"sslmode", "channel_binding"}
"""The keywords that are about TLS."""

TELLING = TLS | {"scheme", "password"}
"""The keywords that are noted where no host is set beside them."""

MODES: Mapping[str, str] = {
    **dict.fromkeys(("true", "1", "yes", "on", "required", "require"), "require"),
    **dict.fromkeys(("false", "0", "no", "off", "disabled", "disable"), "disable"),
    "preferred": "prefer",
    "verify_ca": "verify-ca",
    "verify_full": "verify-full",
    "verify_identity": "verify-full",
}
"""libpq's word for what else a mode is called, in lower case."""


def engine(text: str) -> str:
    """Return the family that `text` names as a framework or driver does (``django.db.backends.mysql``), or empty."""
    word = text.strip().lower()
    return next((family for family, pattern in _ENGINES.items() if re.search(pattern, word)), "")


_ENGINES = {
    families.MYSQL: r"mysql|maria",
    families.POSTGRESQL: r"postg|psycopg|pgsql|asyncpg|pg8000|cockroach|timescale|^pg$",
}

PORTS: Mapping[str, str] = {
    "3306": "MySQL",
    "33060": "MySQL",
    "1433": "SQL Server",
    "1521": "Oracle",
    "27017": "MongoDB",
    "6379": "Redis",
    "5672": "AMQP",
    "9042": "Cassandra",
    "8123": "ClickHouse",
    "50000": "Db2",
}
"""The service whose default port it is, if that is not PostgreSQL."""

SMELLS_OF_TLS = r"SSL|TLS|CERT|CRL|(?:^|_)CA(?:_|$)"
"""What the name of a variable about TLS contains."""

OF_PLATFORMS = (
    r"SERVICE_(?:HOST|PORT(?:_.*)?)|PORT_\d+_(?:TCP|UDP)(?:_.*)?"
    r"|CLUSTER|EPOCH|FRAGMENT|HOSTNAME|HOST_MAPPED|INSTANCE_IPS|IP|PUBLIC|QUERY|REL|SERVICE"
)
"""What Kubernetes adds after the name of a service in capitals, and Upsun after the name of a relationship."""
