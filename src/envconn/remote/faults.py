"""The stable codes of what goes wrong with a provider's API, beside those of live servers in `envconn.probe.faults`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.errors import Problem, RemoteError
from envconn.probe.faults import EX_CONFIG, EX_NOPERM, EX_UNAVAILABLE, Fault
from envconn.probe.faults import FAULTS as LIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EX_USAGE", "FAULTS", "Failure", "fault"]

EX_USAGE = 64
"""The call is wrong."""

FAULTS: Mapping[str, Fault] = {
    "argument-missing": Fault(EX_USAGE, "an argument is missing"),
    "argument-invalid": Fault(EX_USAGE, "an argument is none that the provider takes"),
    "query-too-large": Fault(EX_USAGE, "the query is larger than the endpoint takes"),
    "rate-limited": Fault(EX_UNAVAILABLE, "the provider wants fewer requests", passes=True),
    "server-failed": Fault(EX_UNAVAILABLE, "the provider's API has failed", passes=True),
    "extra-missing": Fault(EX_UNAVAILABLE, "httpx is not installed"),
    "token-refused": Fault(EX_NOPERM, "the provider does not take the token"),
    "access-denied": Fault(EX_NOPERM, "the token may not do this"),
    "token-missing": Fault(EX_CONFIG, "no token is set"),
    "token-malformed": Fault(EX_CONFIG, "the token cannot be one"),
    "address-invalid": Fault(EX_CONFIG, "the address of the API is none that a token is sent to"),
    "proxy-unusable": Fault(EX_CONFIG, "the proxy that the environment names cannot be used"),
    "redirected": Fault(EX_CONFIG, "the API answers with a redirect"),
    "remote-missing": Fault(EX_CONFIG, "what was asked for is not there"),
    "request-refused": Fault(EX_CONFIG, "the provider refuses the request"),
    "query-refused": Fault(EX_CONFIG, "the server refuses the query"),
    "password-untold": Fault(EX_CONFIG, "the provider tells the password only when it is made"),
    "answer-malformed": Fault(EX_CONFIG, "the answer is not what the API is known to say"),
    "answer-too-large": Fault(EX_CONFIG, "the answer is larger than any that is right"),
    "answer-contradicts": Fault(EX_CONFIG, "the answer is not about what was asked for"),
}


class Failure(Exception):
    """What was asked for cannot be had. For the way from where it shows to where it is raised as a `RemoteError`."""

    def __init__(self, code: str, variable: str, message: str) -> None:
        self.problem = Problem(code, variable, message)
        super().__init__(str(self.problem))

    @property
    def passes(self) -> bool:
        """Whether trying again can help."""
        return fault(self.problem.code).passes

    def as_error(self) -> RemoteError:
        """Return what a program is to see."""
        return RemoteError(self.problem, fault(self.problem.code).exit_code)


def fault(code: str) -> Fault:
    """Return what `code` means, one of `FAULTS` or of those of live servers."""
    return FAULTS.get(code) or LIVE[code]
