"""The verdict. Only `judge` turns a `Connection` into the `SecuredConnection` that drivers accept."""

from __future__ import annotations

from envconn.tls.ca import CA
from envconn.tls.judge import judge, requested
from envconn.tls.judged import Context, Verdict
from envconn.tls.levels import SSLMODES, TlsLevel
from envconn.tls.policy import Policy
from envconn.tls.secured import SecuredConnection, require_sealed

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
