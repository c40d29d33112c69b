"""Log in as the application does: through the installed driver, with the arguments that it is given.

The drivers are imported here and nowhere else in the core, each only for a login.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import Protocol, cast

from envconn.errors import ConfigurationError, PasswordUnavailable, problem
from envconn.families import FAMILIES
from envconn.probe.failures import FAULTS
from envconn.probe.login.outcome import Failure, Outcome, failed_login
from envconn.probe.network import run_in_thread
from envconn.records import replace
from envconn.rotation.passwords import with_current_password
from envconn.tls import require_sealed
from envconn.tls.secured import identity_of, with_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.errors import Finding
    from envconn.identity import Identity
    from envconn.tls import SecuredConnection


_SHARE = 0.9
"""The share of the time limit that drivers are given, so that they can give up themselves and clean up."""


def log_in(connection: SecuredConnection, *, timeout: float, address: str | None = None) -> Outcome:
    """Log in to `connection` and return the outcome, in at most `timeout` seconds.

    `address` is where its host answers, if another of its addresses does not. libpq's drivers would go on to it, but
    only after their own time limit.

    Call it only after `envconn.probe` has verified every host at the required level, because the password is sent.
    It goes through the driver's own TLS, with the arguments of the application's driver, so that
    a server which changed its certificate in between does not receive it either.

    Failures are among the outcome's problems, with the codes of `envconn.probe.FAULTS`. A driver's own message is
    left out: it would quote values.

    Raises:
        TypeError: `connection` was not judged.
    """
    require_sealed(connection)
    if not FAMILIES[connection.family].login:
        return Outcome()  # access to a file is decided by its mode, and anyone may use a Memcached
    until = time.monotonic() + timeout * _SHARE
    try:
        # A driver that ignores its own limits (a resolver that hangs) is left behind here.
        return run_in_thread(lambda: _logged_in(connection, until, address)).result(timeout)
    except TimeoutError:
        return Outcome(problems=(failed_login(connection, "the driver", Failure("timed-out")),))


class _Family(Protocol):
    """A module of this package that serves one family."""

    def log_in(self, connection: SecuredConnection, until: float, address: str | None) -> Outcome: ...


def _logged_in(connection: SecuredConnection, until: float, address: str | None) -> Outcome:
    try:
        family = cast("_Family", import_module(f"{__name__}.{FAMILIES[connection.family].login}"))
        begun = time.monotonic()
        current = _with_password(connection, until)
        seconds = time.monotonic() - begun
        return _with_token(family.log_in(current, until, address), connection, seconds)
    except PasswordUnavailable as error:
        return Outcome(problems=error.problems)
    except ConfigurationError as error:
        return Outcome(problems=tuple(problem(_code(each), each.variable, each.message) for each in error.problems))
    except ImportError:
        message = FAMILIES[connection.family].driver
        return Outcome(problems=(problem("driver-missing", connection.origin.variable, message),))


def _with_password(connection: SecuredConnection, until: float) -> SecuredConnection:
    """Return `connection` with its current password; a token leaves some of the time `until` then for the login."""
    if (identity := identity_of(connection)) is None:
        return with_current_password(connection)
    return with_password(connection, identity.token(connection, (until - time.monotonic()) * _SHARE).text)


def _with_token(outcome: Outcome, connection: SecuredConnection, seconds: float) -> Outcome:
    """Return `outcome` with the identity that logged in, or was refused; its token took that many `seconds`."""
    if (identity := identity_of(connection)) is None:
        return outcome
    if outcome.login is None:
        return outcome._replace(
            problems=tuple(_about_token(each, identity, connection.family) for each in outcome.problems)
        )
    facts = {"identity": identity.word, "token_library": identity.method.library, "token_seconds": round(seconds, 3)}
    return outcome._replace(login=replace(outcome.login, **facts))


def _about_token(found: Finding, identity: Identity, family: str) -> Finding:
    """Return `found`, about the token if a server of `family` refuses what it takes for a password."""
    if found.code not in {"password-refused", "login-refused"}:
        return found
    message = f"the server refuses the token of {identity.word}. {identity.method.refused[family]}, and check the clock"
    return problem("token-refused", found.variable, message, FAULTS["token-refused"].exit_code)


def _code(found: Finding) -> str:
    """Return the code for a problem with the driver, or with a file that cannot be used any more."""
    return "driver-missing" if found.code.startswith("driver-") else "client-files-unusable"
