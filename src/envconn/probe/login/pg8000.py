"""pg8000: a login. Its one timeout is for each read, so the deadline around everything limits a slow server."""

from __future__ import annotations

import struct
from contextlib import suppress

from pg8000 import dbapi

from envconn.drivers import pg8000 as arguments
from envconn.probe.login.libpq import refused
from envconn.probe.login.outcome import Failure, classify, left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from envconn.tls import SecuredConnection


def open_session(connection: SecuredConnection, until: float) -> _Session | Failure:
    """Log in with pg8000's arguments for `connection`, and a timeout.

    Raises:
        ConfigurationError: pg8000 does not support what the connection requires.
    """
    given = arguments.arguments(connection)
    try:
        return _Session(dbapi.connect(**given, timeout=left(until)))
    except Exception as error:  # noqa: BLE001 - of what the other side may send, pg8000 foresees a part
        # If SCRAM needs a password and none is set, pg8000 raises an AttributeError.
        missing = connection.password is None and isinstance(error, AttributeError)
        return Failure("password-refused") if missing else _why(error)


def _why(error: Exception) -> Failure:
    if isinstance(error, dbapi.DatabaseError) and error.args and isinstance(error.args[0], dict):
        return refused(error.args[0].get("C", ""), error.args[0].get("M", ""))
    if any(words in str(error) for words in _METHOD):
        return Failure("login-method-unsupported")
    if isinstance(error, dbapi.InterfaceError) and not error.__cause__:
        return Failure("tls-failed" if "SSL" in str(error) else "connection-closed")
    return classify(error)


_METHOD = ("Authentication method", "mechanism")
"""Parts of the texts of pg8000 (core.py) and scramp."""


class _Session:
    tls = None

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def backend_pid(self) -> int | None:
        key = getattr(self._raw, "_backend_key_data", None)
        return struct.unpack("!i", key[:4])[0] if key else None

    def ask(self, query: str, until: float) -> Sequence[str | None] | Failure:  # noqa: ARG002 - set at the start
        try:
            cursor = self._raw.cursor()
            cursor.execute(query)
            return [None if value is None else str(value) for value in cursor.fetchone() or ()]
        except Exception as error:  # noqa: BLE001 - as above
            return _why(error)
        finally:
            with suppress(Exception):
                self._raw.rollback()

    def close(self) -> None:
        with suppress(Exception):
            self._raw.close()
