"""A process that connects by mysqlclient, for an interpreter that it was built for: a request a line, and its answer.

A request is an environment for `envconn`, whose database is handed to MySQLdb as Django's settings would hand it,
or the arguments themselves. The first line out says what is connected with.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import Any

MySQLdb: Any = __import__("MySQLdb")


def main() -> None:
    """Answer until there are no requests."""
    say([MySQLdb.version_info[:2], MySQLdb.get_client_info()])
    for line in sys.stdin:
        request = json.loads(line)
        say(answer(request))


def say(message: object) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(request: dict[str, Any]) -> dict[str, str]:
    """Connect, and say at which level, and what came of it; or the codes of the refusal."""
    if "arguments" in request:
        return {"outcome": connected(request["arguments"])}
    import envconn
    from envconn.probe.login import log_in
    from envconn_django.database_entry import settings

    try:
        connection = envconn.load(request["environ"], env_file=None).database
    except envconn.ConfigurationError as error:
        return {"refused": " ".join(problem.code for problem in error.problems)}
    if "timeout" in request:
        outcome = log_in(connection, timeout=request["timeout"])
        named = {"outcome": outcome.login.driver} if outcome.login else {}
        return {"refused": " ".join(problem.code for problem in outcome.problems), **named}
    level = connection.tls.level.name
    try:
        entry = settings(connection)
    except envconn.ConfigurationError as error:
        return {"level": level, "refused": str(error)}
    place = {"host": entry["HOST"], "port": int(entry["PORT"]), "user": entry["USER"]}
    return {"level": level, "outcome": connected({**place, "secret": entry["PASSWORD"], **entry["OPTIONS"]})}


def connected(arguments: dict[str, Any]) -> str:
    """Return ``over TLS``, ``in clear``, or what MySQLdb says."""
    secret = {"passwd": arguments.pop("secret")}
    try:
        with closing(MySQLdb.connect(**arguments, **secret)) as connection:
            cursor = connection.cursor()
            cursor.execute("show session status like 'Ssl_cipher'")
            ((_, cipher),) = cursor.fetchall()
    except MySQLdb.Error as error:
        return str(error)
    return "over TLS" if cipher else "in clear"


if __name__ == "__main__":
    main()
