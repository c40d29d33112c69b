"""The login of a program: one attempt, and a second one if the environment has changed by then.

Every connection factory uses this module, so that one rule applies to all of them:

1. The first attempt uses the connection that is in use.
2. If it fails, for any reason, the environment is read again. The driver's reason is not used: libpq
   keeps the SQLSTATE of a refused login to itself, and a pooler has one code for everything.
   The only question is whether there is another connection to try.
3. There is a second attempt if the service is different now, and no service has become weaker:
   no failure, least of all of TLS, leads to a weaker connection.
4. If that login succeeds, the new configuration is used from then on. So a file that is ahead of the server, or a
   server that is down, does no harm.
5. Drivers look at the files that decide (`envconn.tls.deciding_files`) in each attempt. If one cannot be used any more,
   the attempt fails, and the environment that is read again may name another one.
"""

from __future__ import annotations

import re
import time

from envconn.errors import EnvconnError
from envconn.records import Record
from envconn.rotation.passwords import awith_current_password, with_current_password
from envconn.rotation.reload import stated_differences, weakened
from envconn.services import database, in_use
from envconn.tls.deciding_files import current, unusable
from envconn.tls.secured import judgement_of, place_of, unencrypted_container

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from envconn.rotation.reload import CurrentSelection, Place, Snapshot
    from envconn.selection import Selection
    from envconn.services import Source
    from envconn.tls import SecuredConnection
    from envconn.tls.judged import Contents

    Made = TypeVar("Made")


def login(source: Source, connect: Callable[[SecuredConnection], Made]) -> Made:
    """Return what `connect` returns for the database of `source`; try again if the environment has changed.

    `source` is services, or a connection: for one from services, the current connection in its place is used;
    one that was judged alone is tried once.
    `connect` is given the connection to log in with, and raises what its driver raises.

    Raises:
        ConfigurationError: as for `envconn.load`, or the driver does not support what the connection requires.
        PasswordUnavailable: the password's callable supplied none.
        Exception: what `connect` raised, in the second attempt if there was one. If there was none although
            the environment has changed, a note says why.
    """
    attempt = _begin(source)
    try:
        return connect(with_current_password(attempt.used))
    except Exception as failure:
        retry = _next_try(attempt, failure)
        if retry is None:
            raise
    return retry.proven_by(connect(with_current_password(retry.connection)))


async def alogin(source: Source, connect: Callable[[SecuredConnection], Awaitable[Made]]) -> Made:
    """Do the same as `login` in a coroutine. A password's callable may be asynchronous, and never blocks the loop.

    The environment is read, and the files that decide are looked at, in a thread: one may be on a server that does not
    answer.

    Raises:
        Exception: as for `login`.
    """
    from asyncio import to_thread

    attempt = await to_thread(_begin, source)
    try:
        return await connect(await awith_current_password(attempt.used))
    except Exception as failure:
        retry = await to_thread(_next_try, attempt, failure)
        if retry is None:
            raise
    return retry.proven_by(await connect(await awith_current_password(retry.connection)))


class _Attempt(Record):
    """The first attempt: the connection `used`, what was in its files, and when it `began` (``time.monotonic()``)."""

    place: Place | None
    used: SecuredConnection
    files: Contents
    began: float


class _NextTry(Record):
    """A connection to try, and the selection that it is from, if that is not in use yet."""

    connection: SecuredConnection
    current: CurrentSelection | None = None
    snapshot: Snapshot | None = None

    def proven_by(self, made: Made) -> Made:
        """Use the new selection from now on, and return what was `made`."""
        changes = self.current and self.snapshot and self.current.adopt(self.snapshot)
        if changes is not None:  # and not by another thread, which has told it
            _logger().info("loaded the configuration again after a failed login: %s", changes)
        return made


def _begin(source: Source) -> _Attempt:
    used = in_use(database(source))
    return _Attempt(place_of(used), used, current(used), time.monotonic())


def _next_try(attempt: _Attempt, failure: Exception) -> _NextTry | None:
    """Return the next connection to try after the `failure`; `None` for none, with a note if it needs one.

    Concurrent failures share one reading if it finds something new. If it does not, each of them reads again, because
    the file may have changed since.
    """
    failed, place = time.monotonic(), attempt.place
    if not isinstance(failure, EnvconnError) and _is_about_tls(failure):
        _add_waiver(attempt.used, failure)
    if place is None or _is_final(attempt, failure):
        return None
    in_use = place.of(place.current.selection)
    if in_use and in_use is not attempt.used and _is_different(attempt, in_use):
        return _NextTry(in_use)  # another thread has reloaded
    if place.current.is_fixed:
        return None
    for since in (attempt.began, failed):
        snapshot = place.current.reread(since)
        if found := _usable_connection(place, snapshot.selection, attempt):
            break
    if isinstance(found, str):
        _tell_refusal(place, failure, found)
    elif found is None:
        _add_lease(attempt.used, failure)
    else:
        return _NextTry(found, place.current, snapshot)
    return None


def _tell_refusal(place: Place, failure: Exception, reason: str) -> None:
    """Say in the `failure`, and in the log, why what was loaded again is not used."""
    if not isinstance(failure, EnvconnError):  # which says the same
        failure.add_note(f"envconn: the configuration was loaded again after this failure, but not used: {reason}")
    if place.current.is_news(reason):
        _logger().warning("loaded the configuration again after a failed login, but did not use it: %s", reason)


def _is_about_tls(failure: Exception) -> bool:
    # libpq: "server does not support SSL, but SSL was required"; asyncpg: "rejected SSL upgrade".
    return re.search(r"(?i)\b(?:support|reject\w*) (?:SSL|TLS)\b", str(failure)) is not None


def _add_waiver(connection: SecuredConnection, failure: Exception) -> None:
    if told := unencrypted_container(connection):
        failure.add_note(f"envconn: {connection.origin.variable}: TLS is required. {told}")


def _add_lease(connection: SecuredConnection, failure: Exception) -> None:
    """Add a note to a refused login whose user and password are in files that have not changed."""
    origin = connection.origin
    if (origin.mounted or origin.parts) and re.search(_REFUSED, str(failure)):
        failure.add_note(f"envconn: {origin.variable}: {_LEASE_ENDED}")


# PostgreSQL (auth.c, miscinit.c) and MySQL (ER_ACCESS_DENIED_ERROR). In another language, there is no note.
_REFUSED = r'password authentication failed|role "[^"]*" (?:does not exist|is not permitted)|Access denied for user'
_LEASE_ENDED = (
    "the server refuses user and password, and they were the same when they were read again. If they are leased, the "
    "lease has ended. Renew it, or restart what writes the file"
)


def _is_final(attempt: _Attempt, failure: Exception) -> bool:
    """Whether envconn itself refused the connection, and not for a file that may be replaced, or just was."""
    if not isinstance(failure, EnvconnError):
        return False
    return not unusable(attempt.used) and current(attempt.used) == attempt.files


def _usable_connection(place: Place, selection: Selection, attempt: _Attempt) -> SecuredConnection | str | None:
    """Return the connection in `selection` to try next: `None` if it is the same, a text if it is refused."""
    used = attempt.used
    if selection.report.problems:
        return "; ".join(str(problem) for problem in selection.report.problems)
    fresh = place.of(selection)
    if fresh is None:
        return f"{used.origin.variable}: is no longer set. Set it again"
    if not _is_different(attempt, fresh):
        return None
    before, after = place.current.selection.services, selection.services
    if weaker := {*weakened(before, after), *weakened({used.name: used}, {used.name: fresh})}:
        return (
            f"the TLS settings of {', '.join(sorted(weaker))} are weaker than before. Call reload(), or restart the "
            "process"
        )
    return fresh


def _is_different(attempt: _Attempt, other: SecuredConnection) -> bool:
    """Whether a login with `other` is another one than the `attempt`, whose files were looked at when it began."""
    if {*stated_differences(attempt.used, other)} - {"origin", "siblings"}:
        return True
    return judgement_of(other).files != attempt.files


def _logger() -> logging.Logger:
    import logging

    return logging.getLogger("envconn")
