"""pgx's connection string, for Go.

Sources: pgconn/config.go and parse_url.go of pgx 5 (ParseConfig, configTLS). It has libpq's words and libpq's
look at ``PG*`` variables and ``~/.postgresql``; what is written empty keeps them out. ``sslrootcert``
is trusted alone. A parameter that it does not know is sent to the server as a setting.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envconn.export.consumer import Consumer, libpq_levels, url, words

if TYPE_CHECKING:
    from envconn.export.consumer import Request

__all__ = ["PGX", "text"]

PGX = Consumer(
    "pgx",
    libpq_levels(),
    fixed={
        "sslcert": "",
        "sslkey": "",
        "sslpassword": "",
        "sslsni": "1",
        "target_session_attrs": "any",
    },
    parameters={
        name: name
        for name in (
            *("application_name", "connect_timeout", "options", "passfile"),
            *("sslcert", "sslkey", "sslpassword", "sslsni", "target_session_attrs"),
        )
    },
    own=("pool_max_conns", "pool_min_conns", "default_query_exec_mode"),
    several_hosts=True,
    # It takes away slashes in front.
    dbname=re.compile(r"[^/].*", re.DOTALL),
)


def text(request: Request) -> str:
    """Return the URL; where statements must not be prepared, pgx is to describe and execute in one go (``exec``)."""
    connection = request.connection
    found = {"sslrootcert": "", **words(connection, PGX)}
    if not connection.prepared_statements and found.get("default_query_exec_mode") != "simple_protocol":
        found["default_query_exec_mode"] = "exec"
    return f"{url(connection, found)}\n"
