"""The variables that begin with ``ENVCONN_``: a closed set, so that a misspelt one is an error and is not ignored."""

from __future__ import annotations

from envconn.errors import note, problem
from envconn.tls.policy import PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.errors import Finding

FOR_ALL = (
    *("TLS", "TLS_LOCAL", "TLS_WAIVE", "TLS_CA"),
    *("PROVIDER", "POOL_MODE", "SENTINEL_MASTER", "SECRETS_DIR", "PHASE"),
    *("API_CASEDEV", "API_NEON", "API_PLANETSCALE", "API_SCALINGO", "API_SCALINGO_AUTH"),
    "PYTEST_ALLOW",
)
"""The words after ``ENVCONN_`` that apply to every service, or to none."""

FOR_EACH = ("TLS", "TLS_LOCAL", "TLS_WAIVE", "TLS_CA", "PROVIDER", "POOL_MODE", "SENTINEL_MASTER")
"""The words that also apply to one service, after ``ENVCONN_<SERVICE>_``."""

SERVICES = ("database", "broker", "results", "cache")
"""The services that are known without a variable of that name."""

FOR_EVERY = tuple(f"{PREFIX}{word}" for word in FOR_ALL)
"""The names that apply to every service, or to none."""

CHOOSERS = {name: f"{PREFIX}{name.upper()}_VARIABLE" for name in SERVICES}
"""The variable that holds the name of the variable, or of the bound service, to use for each of these services."""

RESERVED = frozenset({"broker", "results", "cache"})
"""The names that no database can have, neither by ``<NAME>_DATABASE_URL`` nor by what is bound."""

_OWN = tuple(f"{PREFIX}{name.upper()}_{word}" for name in SERVICES for word in FOR_EACH)

KNOWN = (*FOR_EVERY, *CHOOSERS.values(), *_OWN)
"""Every name that is known, whatever services there are."""

_DECISIVE = frozenset({"TLS", "WAIVE", "CA", "AUTH"})
_OF_THE_TESTS = f"{PREFIX}TEST_"


def unknown(present: Iterable[str], prefixes: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield the problems and notes about the names among `present` that begin with ``ENVCONN_``.

    One that is nearly a known name, or contains a word that affects TLS, is an error. Any other is a note:
    Kubernetes sets ``ENVCONN_SERVICE_HOST`` for a service called envconn. `prefixes` are those of the services.
    """
    known = {*KNOWN, *(before + word for before in prefixes for word in FOR_EACH)}
    for name in sorted(present):
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OF_THE_TESTS):
            yield _finding(name, known)


def _finding(name: str, known: Iterable[str]) -> Finding:
    from difflib import get_close_matches  # imported only after a mistake

    near = get_close_matches(name, sorted(known), 1, 0.85)
    if near or _DECISIVE.intersection(name.split("_")):
        meant = f"Use {near[0]}, or remove it" if near else "Remove it"
        return problem("envconn-variable-unknown", name, f"unknown name. {meant}")
    return note("envconn-variable-ignored", name, "not used: envconn does not read a variable of this name")
