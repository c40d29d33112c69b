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

FOR_EACH = ("TLS", "TLS_LOCAL", "TLS_WAIVE", "TLS_CA", "PROVIDER", "POOL_MODE", "SENTINEL_MASTER")
"""The words that concern one service as well, behind ``ENVCONN_<SERVICE>_``."""

SERVICES = ("database", "broker", "cache")
"""The services that are known without a variable of that name."""

FOR_EVERY = tuple(f"{PREFIX}{word}" for word in FOR_ALL)
"""The names that concern every service, or none."""

CHOOSERS = tuple(f"{PREFIX}{name.upper()}_VARIABLE" for name in SERVICES)

_OWN = tuple(f"{PREFIX}{name.upper()}_{word}" for name in SERVICES for word in FOR_EACH)

KNOWN = (*FOR_EVERY, *CHOOSERS, *_OWN)
"""Every name that is known whatever services there are."""

_DECISIVE = frozenset({"TLS", "WAIVE", "CA", "AUTH"})
_OF_THE_TESTS = f"{PREFIX}TEST_"


def prefix(service: str) -> str:
    """Return what the variables of one service begin with (``ENVCONN_ANALYTICS_``)."""
    return f"{PREFIX}{service.upper().replace('-', '_').replace('.', '_')}_"


def unknown(present: Iterable[str], prefixes: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield what is wrong with the names among `present` that begin with ``ENVCONN_``, or worth knowing of them.

    One that is nearly a known name, or has a word in it that decides about TLS, is an error. Any other is a note:
    Kubernetes makes ``ENVCONN_SERVICE_HOST`` for a service called envconn. `prefixes` are those of the services.
    """
    known = {*KNOWN, *(before + word for before in prefixes for word in FOR_EACH)}
    for name in sorted(present):
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OF_THE_TESTS):
            yield _finding(name, known)


def _finding(name: str, known: Iterable[str]) -> Finding:
    from difflib import get_close_matches  # only for those who made a mistake

    near = get_close_matches(name, sorted(known), 1, 0.85)
    if near or _DECISIVE.intersection(name.split("_")):
        meant = f"Use {near[0]}, or remove it" if near else "Remove it"
        return problem("envconn-variable-unknown", name, f"unknown name. {meant}")
    return note("envconn-variable-ignored", name, "not used: envconn does not read a variable of this name")
