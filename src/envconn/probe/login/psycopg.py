"""psycopg 3: a login through its libpq, step by step, so that a deadline holds."""

from __future__ import annotations

import sys
from typing import cast

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from envconn.drivers import psycopg as arguments
from envconn.probe.login import libpq
from envconn.probe.login.libpq import refused
from envconn.probe.login.outcome import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from envconn.tls import SecuredConnection


def open_session(
    connection: SecuredConnection, until: float, stricter: Mapping[str, str] | None = None
) -> _Session | Failure:
    """Log in with psycopg's arguments for `connection`, overridden by `stricter`.

    Raises:
        ConfigurationError: psycopg does not support what the connection requires.
    """
    given = {**arguments.arguments(connection), **(stricter or {})}
    given.pop("prepare_threshold", None)  # psycopg's own, and nothing is prepared here
    attempt = _Session(make_conninfo("", **cast("dict[str, str]", given)))
    return libpq.establish(attempt, connection, until)


def _library() -> str | None:
    if pq.__impl__ == "python":
        return pq.misc.find_libpq_full_path()
    return sys.modules[pq.PGconn.__module__].__file__


class _Session:
    def __init__(self, conninfo: str) -> None:
        self._raw = pq.PGconn.connect_start(conninfo.encode())
        # Documented for this purpose, but missing in the types.
        self.tells_sqlstate = libpq.tell_sqlstate(_library(), cast("Any", self._raw).pgconn_ptr)

    @property
    def status(self) -> int:
        return self._raw.status

    @property
    def said(self) -> str:
        return self._raw.error_message.decode("utf-8", "replace")

    @property
    def needs_password(self) -> bool:
        return self._raw.needs_password

    @property
    def backend_pid(self) -> int | None:
        return self._raw.backend_pid

    @property
    def tls(self) -> bool | None:
        return self._raw.ssl_in_use

    def step(self) -> int:
        return libpq.FAILED if self._raw.status == pq.ConnStatus.BAD else self._raw.connect_poll()

    def fileno(self) -> int:
        return self._raw.socket

    def ask(self, query: str, until: float) -> Sequence[str | None] | Failure:
        try:
            self._raw.send_query(query.encode())
            return self._answer(until)
        except psycopg.Error:
            return Failure("connection-closed")

    def _answer(self, until: float) -> Sequence[str | None] | Failure:
        answer: Sequence[str | None] | Failure | None = None
        while True:
            while self._raw.is_busy():
                if not libpq.ready(self.fileno(), libpq.READ, until):
                    return Failure("timed-out")
                self._raw.consume_input()
            result = self._raw.get_result()
            if result is None:
                return answer or Failure("connection-closed")
            answer = answer or _row(result)

    def close(self) -> None:
        self._raw.finish()


def _row(result: pq.abc.PGresult) -> Sequence[str | None] | Failure:
    if result.status != pq.ExecStatus.TUPLES_OK:
        return refused((result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode("ascii", "replace"), "")
    values = (result.get_value(0, column) for column in range(result.nfields))
    return [None if value is None else value.decode("utf-8", "replace") for value in values]
