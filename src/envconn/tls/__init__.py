"""The verdict. Only `judge` turns a `Connection` into the `SecuredConnection` that drivers accept."""

from __future__ import annotations

from envconn.tls.judge import judge, requested
from envconn.tls.judged import Context, Verdict
from envconn.tls.levels import SSLMODES, TlsLevel
from envconn.tls.policy import Policy
from envconn.tls.secured import SecuredConnection, require_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.tls.ca import CA

__all__ = [
    "CA",
    "SSLMODES",
    "Context",
    "Policy",
    "SecuredConnection",
    "TlsLevel",
    "Verdict",
    "judge",
    "requested",
    "require_sealed",
]


def __getattr__(name: str) -> object:
    if name != "CA":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not at the top: most connections need no CA.
    from envconn.tls.ca import CA

    return CA
