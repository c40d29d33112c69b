"""What the server's reason for refusing a login means (PostgreSQL 18 manual, appendix A)."""

from __future__ import annotations

import re

from envconn.probe.login.outcome import Failure

__all__ = ["refused"]


def refused(state: str, said: str) -> Failure:
    """Return what the SQLSTATE `state` means; what was `said` beside it decides where poolers know one code for all."""
    if not re.fullmatch("[0-9A-Z]{5}", state):
        state = _OTHER  # whoever was sent the password could say it here
    if state == _POOLERS:
        # PgBouncer's texts, which exist in English only (src/client.c, src/objects.c, src/janitor.c).
        return Failure(next((code for words, code in _SAID if words in said), "login-refused"), state)
    return Failure(_BY_STATE.get(state, "login-refused"), state)


_BY_STATE = {
    "08000": "connection-closed",
    "08003": "connection-closed",
    "08006": "connection-closed",
    "28P01": "password-refused",
    "3D000": "database-absent",
    "42501": "permission-denied",
    "53300": "server-full",
    "55000": "permission-denied",  # the database takes no connections (ALLOW_CONNECTIONS)
    "57014": "timed-out",  # authentication_timeout
    "57P01": "server-starting",
    "57P02": "server-starting",
    "57P03": "server-starting",
    "57P04": "database-absent",
}

_OTHER = "XX000"
_POOLERS = "08P01"
_SAID = (
    ("authentication failed", "password-refused"),
    ("no such user", "password-refused"),
    ("does not exist", "database-absent"),
    ("no such database", "database-absent"),
    ("no more connections allowed", "server-full"),
    ("query_wait_timeout", "server-full"),
    ("client_login_timeout", "timed-out"),
    ("cannot connect to server", "server-starting"),
    ("server login has been failing", "server-starting"),
    ("shutting down", "server-starting"),
)
