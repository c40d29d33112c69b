"""The options that a program may pass to a driver in addition to envconn's, without weakening the connection.

Arguments of a driver silently override everything else (``sslmode="disable"`` connects unencrypted), so only
those are allowed that are known not to affect the server, the login or TLS.
"""

from __future__ import annotations

from envconn.drivers.installed import DRIVERS
from envconn.drivers.unsupported import refuse
from envconn.families import MYSQL, POSTGRESQL
from envconn.grammar.libpq_keywords import KEYWORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.tls import SecuredConnection

_DEMANDS = frozenset(name for name, keyword in KEYWORDS.items() if keyword.order)
_HARMLESS = frozenset(name for name, keyword in KEYWORDS.items() if keyword.decides in {"no", "session"})
_LIBPQ = (_HARMLESS - {"replication"}) | {"cursor_factory"}
_MYSQL = frozenset(
    {
        *("autocommit", "charset", "collation", "connect_timeout", "conv", "cursorclass", "program_name"),
        *("read_timeout", "sql_mode", "use_unicode", "write_timeout"),
    }
)
_MYSQL_ASYNCIO = frozenset(
    {"autocommit", "charset", "connect_timeout", "conv", "echo", "program_name", "sql_mode", "use_unicode"}
)
ALLOWED: dict[str, frozenset[str]] = {
    "psycopg": _LIBPQ | {"autocommit", "context", "prepare_threshold", "row_factory"},
    "psycopg2": _LIBPQ | {"connection_factory"},
    "asyncpg": frozenset(
        {
            *("command_timeout", "connection_class", "loop", "record_class", "server_settings", "timeout"),
            *("max_cacheable_statement_size", "max_cached_statement_lifetime", "statement_cache_size"),
            *("prepared_statement_cache_size", "prepared_statement_name_func", "target_session_attrs"),
        }
    ),
    "pg8000": frozenset({"application_name", "source_address", "startup_params", "tcp_keepalive", "timeout"}),
    "pymysql": _MYSQL,
    "mysqldb": _MYSQL | {"compress"},
    "aiomysql": _MYSQL_ASYNCIO | {"cursorclass", "loop"},
    "asyncmy": _MYSQL_ASYNCIO | {"cursor_cls", "max_allowed_packet", "read_timeout", "stmt_cache_size"},
    "redis": frozenset(
        {
            *("cache", "cache_config", "client_name", "decode_responses", "driver_info", "encoder_class", "encoding"),
            *("encoding_errors", "event_dispatcher", "health_check_interval", "legacy_responses", "lib_name"),
            *("lib_version", "max_connections", "parser_class", "protocol", "retry", "retry_on_error"),
            *("retry_on_timeout", "socket_connect_timeout", "socket_keepalive", "socket_keepalive_options"),
            *("socket_read_size", "socket_timeout", "socket_type"),
        }
    ),
}
"""The options that decide neither the server, the login nor TLS, by driver."""

MYSQL_SETTINGS = _MYSQL | {"binary_prefix", "client_flag", "init_command", "max_allowed_packet"}
"""The same for MySQL, in the settings of a program that connects by itself."""

_OF_MYSQL_ENGINES = MYSQL_SETTINGS.union(*(ALLOWED[driver] for driver in DRIVERS[MYSQL])) | {
    *("auth_plugin", "auth_plugin_map", "bind_address", "local_infile", "password_creator", "query_callback"),
    "server_public_key",
}
HARMLESS: Mapping[str, frozenset[str]] = {
    **{driver: ALLOWED[driver] | {"password"} for driver in DRIVERS[POSTGRESQL]},
    **dict.fromkeys(DRIVERS[MYSQL], _OF_MYSQL_ENGINES),
}
"""The options, by driver, of an engine that the program makes itself which are not judged."""

_STARTUP = frozenset({"options", "server_settings", "startup_params"})
"""Arguments that a pooler may refuse when a connection starts."""

_STATEMENTS = frozenset({"prepare_threshold", "statement_cache_size", "prepared_statement_cache_size"})
"""Arguments that enable prepared statements again."""


def permit(connection: SecuredConnection, driver: str, stated: Iterable[str], place: str = "") -> None:
    """Refuse what a program has `stated` for `driver`, in `place`, unless it is known to be harmless.

    A demand of the environment (``PGMINPROTOCOLVERSION``) or of the text is not the program's to replace, by any value.

    Raises:
        ConfigurationError: an argument could weaken or redirect the connection, or cannot work behind its pooler.
    """
    for name in stated:
        if name not in ALLOWED[driver] or (name in _DEMANDS and name in connection.parameters):
            refuse(connection, f"{place}{name} {_DECIDED}", "argument-refused")
        if name in _STATEMENTS and not connection.features.prepared_statements:
            refuse(connection, f"{place}{name} {_UNTRACKED}", "argument-refused")
        if name in _STARTUP and not connection.features.startup_options:
            refuse(connection, f"{place}{name} {_REFUSED}", "argument-refused")


_DECIDED = "cannot be set in the program. Set it in the environment"
_UNTRACKED = "does not work with this pooler. Remove it, or use the direct endpoint"
_REFUSED = "is not supported by this pooler. Run ALTER ROLE ... SET instead, or use the direct endpoint"
