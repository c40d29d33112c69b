"""AMQP: a login through py-amqp, with the calls that kombu makes."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import amqp

from envconn.drivers import amqp as arguments
from envconn.exit_codes import EX_UNAVAILABLE
from envconn.probe.login.outcome import Failure, Outcome, classify, failed_login, left, readable
from envconn.probe.proof import Login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envconn.connection import Host
    from envconn.tls import SecuredConnection


def log_in(connection: SecuredConnection, until: float, _address: str | None) -> Outcome:
    """Log in and open the vhost.

    A broker that is short of memory or disk accepts every client and blocks those that publish; this is not noticed.

    Raises:
        ConfigurationError: py-amqp does not support what the connection requires.
    """
    outcomes = (_log_in(connection, host, until) for host in connection.hosts)
    first = next(outcomes)
    # kombu tries the next one where one is down.
    return next((each for each in (first, *outcomes) if not _is_down(each)), first) if _is_down(first) else first


def _is_down(outcome: Outcome) -> bool:
    return any(found.exit_code == EX_UNAVAILABLE for found in outcome.problems)


def _log_in(connection: SecuredConnection, host: Host, until: float) -> Outcome:
    raw = amqp.Connection(**_given(connection, host, until))
    try:
        raw.connect()
        properties = raw.server_properties
        with suppress(OSError, amqp.AMQPError):
            raw.close()
    except Exception as error:  # noqa: BLE001 - of what the other side may send, py-amqp foresees a part
        return Outcome(problems=(failed_login(connection, _DRIVER, _why(error)),))
    finally:
        raw.collect()
    version = " ".join(str(properties[name]) for name in ("product", "version") if properties.get(name))
    return Outcome(Login(_DRIVER, connection.user or _GUEST, connection.dbname, readable(version)))


_DRIVER = "py-amqp"
_GUEST = "guest"
"""kombu's defaults for user and password."""


def _given(connection: SecuredConnection, host: Host, until: float) -> dict[str, Any]:
    given = {"login_method": "PLAIN", **cast("dict[str, Any]", arguments.options(connection))}
    limit = left(until)
    return {
        **given,
        "host": str(host),
        "userid": connection.user or _GUEST,
        "password": connection.password.reveal() if connection.password else _GUEST,
        "virtual_host": connection.dbname,
        "ssl": arguments.arguments(connection, host) or False,
        "connect_timeout": min(limit, given.get("connect_timeout") or limit),
        "read_timeout": limit,
        "write_timeout": limit,
    }


def _why(error: Exception) -> Failure:
    if isinstance(error, amqp.NotAllowed):
        # One code for three reasons, so the text decides; RabbitMQ has English texts only (rabbit_reader.erl).
        return Failure(next((code for words, code in _SAID if words in str(error)), "permission-denied"))
    if type(error) is OSError and error.errno is None:  # py-amqp's own, when the server closes
        return Failure("connection-closed")
    return next((Failure(code) for kind, code in _BY_TYPE if isinstance(error, kind)), classify(error))


_BY_TYPE: tuple[tuple[type[Exception], str], ...] = (
    (amqp.AccessRefused, "password-refused"),
    (amqp.ConnectionForced, "server-starting"),
    (amqp.ResourceError, "server-full"),
)
_SAID = (("not found", "database-absent"), ("limit", "server-full"), ("is down", "server-starting"))
