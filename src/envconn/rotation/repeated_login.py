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
"""

from __future__ import annotations

import time

from envconn.errors import EnvconnError
from envconn.records import Record
from envconn.rotation.passwords import awith_current_password, with_current_password
from envconn.rotation.reload import changes, differences, weakened
from envconn.services import database, in_use
from envconn.tls.secured import place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from envconn.rotation.reload import CurrentSelection, Place, Snapshot
    from envconn.selection import Selection
    from envconn.services import Source
    from envconn.tls import SecuredConnection

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
    place, used = _begin(source)
    began = time.monotonic()
    try:
        return connect(with_current_password(used))
    except Exception as failure:
        retry = _next_try(place, used, failure, began)
        if retry is None:
            raise
    return retry.proven_by(connect(with_current_password(retry.connection)))


async def alogin(source: Source, connect: Callable[[SecuredConnection], Awaitable[Made]]) -> Made:
    """Do the same as `login` in a coroutine. A password's callable may be asynchronous, and never blocks the loop.

    The environment is read in the thread of the event loop, which takes a millisecond.

    Raises:
        Exception: as for `login`.
    """
    place, used = _begin(source)
    began = time.monotonic()
    try:
        return await connect(await awith_current_password(used))
    except Exception as failure:
        retry = _next_try(place, used, failure, began)
        if retry is None:
            raise
    return retry.proven_by(await connect(await awith_current_password(retry.connection)))


class _NextTry(Record):
    """A connection to try, and the selection that it is from, if that is not in use yet."""

    connection: SecuredConnection
    current: CurrentSelection | None = None
    snapshot: Snapshot | None = None

    def proven_by(self, made: Made) -> Made:
        """Use the new selection from now on, and return what was `made`."""
        if self.current and self.snapshot:
            changed = changes(self.current.selection.services, self.snapshot.selection.services)
            self.current.adopt(self.snapshot)
            _logger().info("loaded the configuration again after a failed login: %s", changed)
        return made


def _begin(source: Source) -> tuple[Place | None, SecuredConnection]:
    used = in_use(database(source))
    return place_of(used), used


def _next_try(place: Place | None, used: SecuredConnection, failure: Exception, began: float) -> _NextTry | None:
    """Return the next connection to try after the `failure` of `used`; `None` for none, with a note if it needs one.

    Concurrent failures share one reading if it finds something new. If it does not, each of them reads again, because
    the file may have changed since.
    """
    failed = time.monotonic()
    if place is None or isinstance(failure, EnvconnError):
        return None
    in_use = place.of(place.current.selection)
    if in_use and _is_different(used, in_use):
        return _NextTry(in_use)  # another thread has reloaded
    if place.current.is_fixed:
        return None
    for since in (began, failed):
        snapshot = place.current.reread(since)
        if found := _usable_connection(place, snapshot.selection, used):
            break
    if isinstance(found, str):
        failure.add_note(f"envconn: the configuration was loaded again after this failure, but not used: {found}")
        _logger().warning("loaded the configuration again after a failed login, but did not use it: %s", found)
        return None
    return _NextTry(found, place.current, snapshot) if found else None


def _usable_connection(place: Place, selection: Selection, used: SecuredConnection) -> SecuredConnection | str | None:
    """Return the connection in `selection` that replaces `used`: `None` if it is the same, a text if it is refused."""
    if selection.report.problems:
        return "; ".join(str(problem) for problem in selection.report.problems)
    fresh = place.of(selection)
    if fresh is None:
        return f"{used.origin.variable}: is no longer set. Set it again"
    if not _is_different(used, fresh):
        return None
    before, after = place.current.selection.services, selection.services
    if weaker := {*weakened(before, after), *weakened({used.name: used}, {used.name: fresh})}:
        return (
            f"the TLS settings of {', '.join(sorted(weaker))} are weaker than before. Call reload(), or restart the "
            "process"
        )
    return fresh


def _is_different(one: SecuredConnection, other: SecuredConnection) -> bool:
    return one is not other and not {*differences(one, other)} <= {"origin"}


def _logger() -> logging.Logger:
    import logging

    return logging.getLogger("envconn")
