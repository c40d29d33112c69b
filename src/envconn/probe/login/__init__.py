"""Log in as the application will: through the driver that is installed, with the arguments it is given.

The drivers are imported here and nowhere else in the core, each when somebody logs in through it.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import Protocol, cast

from envconn.errors import ConfigurationError, note, problem
from envconn.families import FAMILIES, SQLITE
from envconn.probe.login.outcome import Failure, Outcome, failed_login
from envconn.probe.threads import run_in_thread
from envconn.tls import require_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls import SecuredConnection

__all__ = ["Outcome", "log_in"]

_SHARE = 0.9
"""Of the time allowed, how much drivers are told of: they are to give up by themselves, and tidy up."""


def log_in(connection: SecuredConnection, *, timeout: float) -> Outcome:
    """Log in to `connection` and say what was found, in at most `timeout` seconds.

    Call it only after `envconn.probe` has verified every host at the level asked for: what goes out here is the
    password. It goes through the driver's own TLS, with the arguments that the application's driver is given, so that
    a server which changed its certificate in between does not get it either.

    What goes wrong is among the outcome's problems, with the codes of `envconn.exit_codes`. Whatever a driver says
    about it is left out: it would quote values.

    Raises:
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if connection.family == SQLITE:
        return Outcome()  # a file lets in whoever may open it
    if not FAMILIES[connection.family].login:
        return Outcome(
            notes=(note("login-untried", connection.origin.variable, _UNTRIED.format(kind=connection.family)),)
        )
    until = time.monotonic() + timeout * _SHARE
    try:
        # There not even the driver's own limits have to hold (a resolver that hangs).
        return run_in_thread(lambda: _logged_in(connection, until)).result(timeout)
    except TimeoutError:
        return Outcome(problems=(failed_login(connection, "the driver", Failure("timed-out")),))


class _Family(Protocol):
    """A module of this package that serves one kind of connection."""

    def log_in(self, connection: SecuredConnection, until: float) -> Outcome: ...


_UNTRIED = "the login to {kind} was not checked. Check it with the application"


def _logged_in(connection: SecuredConnection, until: float) -> Outcome:
    try:
        family = cast("_Family", import_module(f"{__name__}.{FAMILIES[connection.family].login}"))
        return family.log_in(connection, until)
    except ConfigurationError as error:
        messages = [each.message for each in error.problems]
    except ImportError:
        messages = [FAMILIES[connection.family].driver]
    return Outcome(
        problems=tuple(problem("driver-missing", connection.origin.variable, message) for message in messages)
    )
