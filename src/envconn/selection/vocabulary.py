"""The variables that begin with ``ENVCONN_``: one closed set, so that a misspelt one is an error and not a silence."""

from __future__ import annotations

from envconn.errors import note, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.errors import Finding

PREFIX = "ENVCONN_"

FOR_ALL = (
    *("TLS", "TLS_LOCAL", "TLS_WAIVE", "TLS_CA"),
    *("PROVIDER", "POOL_MODE", "SENTINEL_MASTER", "SECRETS_DIR", "PHASE"),
    *("API_CASEDEV", "API_NEON", "API_PLANETSCALE", "API_SCALINGO", "API_SCALINGO_AUTH"),
    "PYTEST_ALLOW",
)
"""The words behind ``ENVCONN_`` that concern every service, or none."""

FOR_ONE = ("VARIABLE",)
"""The words behind ``ENVCONN_<SERVICE>_`` that concern one."""

SERVICES = ("DATABASE", "BROKER", "CACHE")

KNOWN = tuple(f"{PREFIX}{word}" for word in (*FOR_ALL, *(f"{name}_{word}" for name in SERVICES for word in FOR_ONE)))
"""Every name."""

_DECISIVE = frozenset({"TLS", "WAIVE", "CA", "AUTH"})
_OF_THE_TESTS = f"{PREFIX}TEST_"


def unknown(present: Iterable[str]) -> Iterator[Finding]:
    """Yield what is wrong with the names among `present` that begin with ``ENVCONN_``, or worth knowing of them.

    One that is nearly a known name, or has a word in it that decides about TLS, is an error. Any other is a note:
    Kubernetes makes ``ENVCONN_SERVICE_HOST`` for a service called envconn.
    """
    for name in sorted(present):
        if name.startswith(PREFIX) and name not in KNOWN and not name.startswith(_OF_THE_TESTS):
            yield _finding(name)


def _finding(name: str) -> Finding:
    from difflib import get_close_matches  # only for those who made a mistake

    near = get_close_matches(name, KNOWN, 1, 0.85)
    if near or _DECISIVE.intersection(name.split("_")):
        meant = f"Use {near[0]}, or remove it" if near else "Remove it"
        return problem("envconn-variable-unknown", name, f"unknown name. {meant}")
    return note("envconn-variable-ignored", name, "not used: envconn does not read a variable of this name")
