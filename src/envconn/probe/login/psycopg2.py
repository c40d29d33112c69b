"""psycopg2: a login through its asynchronous connection, step by step, so that a deadline holds."""

from __future__ import annotations

import psycopg2
from psycopg2 import extensions

from envconn.drivers import libpq as arguments
from envconn.probe.login import libpq
from envconn.probe.login.libpq import refused, unopened
from envconn.probe.login.outcome import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from envconn.tls import SecuredConnection


def open_session(
    connection: SecuredConnection, until: float, stricter: Mapping[str, str] | None = None
) -> _Session | Failure:
    """Log in with psycopg2's arguments for `connection`, overridden by `stricter`.

    Raises:
        ConfigurationError: psycopg2 does not support what the connection requires.
    """
    given = {**arguments.arguments(connection, arguments.version("psycopg2")), **(stricter or {})}
    try:
        raw = psycopg2.connect(**given, async_=1)
    except psycopg2.Error as error:
        return unopened(str(error))
    return libpq.establish(_Session(raw), connection, until)


class _Session:
    said = ""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        library = psycopg2._psycopg.__file__  # noqa: SLF001 - the one that is linked with libpq
        self.tells_sqlstate = libpq.tell_sqlstate(library, raw.pgconn_ptr)

    @property
    def status(self) -> int:
        return int(self._raw.info.status)

    @property
    def needs_password(self) -> bool:
        return bool(self._raw.info.needs_password)

    @property
    def backend_pid(self) -> int | None:
        return int(self._raw.info.backend_pid)

    @property
    def tls(self) -> bool | None:
        return bool(self._raw.info.ssl_in_use)

    def step(self) -> int:
        try:
            return _STEPS[self._raw.poll()]
        except (psycopg2.Error, UnicodeDecodeError) as error:
            # The server's message may not be valid text; then it is not read.
            self.said = str(error) if isinstance(error, psycopg2.Error) else ""
        return libpq.FAILED

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def ask(self, query: str, until: float) -> Sequence[str | None] | Failure:
        try:
            cursor = self._raw.cursor()
            cursor.execute(query)
            while (following := _STEPS[self._raw.poll()]) != libpq.DONE:
                if not libpq.ready(self.fileno(), following, until):
                    return Failure("timed-out")
            return [None if value is None else str(value) for value in cursor.fetchone() or ()]
        except psycopg2.Error as error:
            return refused(error.pgcode, "") if error.pgcode else Failure("connection-closed")
        except UnicodeDecodeError:
            return Failure("protocol-unexpected")

    def close(self) -> None:
        self._raw.close()


_STEPS = {
    extensions.POLL_OK: libpq.DONE,
    extensions.POLL_READ: libpq.READ,
    extensions.POLL_WRITE: libpq.WRITE,
}
