"""``ENVCONN_IGNORE``: variables that are left out, by name or by a pattern with ``*`` and ``?``, separated by commas.

What a framework or libpq reads by itself cannot be left out: it would be used all the same, without a check.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from envconn.errors import note, problem
from envconn.grammar.libpq_keywords import OVERRULED, VARIABLES
from envconn.selection import host_variables, variables
from envconn.tls import policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from envconn.errors import Finding
    from envconn.sources import Environment

VARIABLE = f"{policy.PREFIX}IGNORE"

READ_ELSEWHERE = {
    **dict.fromkeys(variables.READ_BY_CELERY, "Celery"),
    **dict.fromkeys((*OVERRULED, *VARIABLES), "libpq"),
    **dict.fromkeys(policy.VARIABLES, "the check of TLS"),
}
"""The variables that are used by themselves, and by what."""


def findings(environment: Environment, present: Collection[str], entries: str) -> tuple[Finding, ...]:
    """Return a ``variable-ignored`` for each variable that `entries` leave out, and what is wrong with the others."""
    patterns = [entry.strip() for entry in entries.split(",") if entry.strip()]
    if not all(_IS_PATTERN.fullmatch(pattern) for pattern in patterns):
        return (problem("ignore-invalid", VARIABLE, _INVALID),)
    of_parts = (name for name in environment.names() if name.startswith(host_variables.PREFIXES))
    of_aspire = variables.unread_of_aspire(environment, "")
    candidates = {*present, *environment.names_with("CONNSTR_"), *of_parts, *of_aspire}
    ignored = {name for name in candidates if any(fnmatchcase(name, pattern) for pattern in patterns)}
    return tuple(_about(environment, name) for name in sorted(ignored))


_IS_PATTERN = re.compile(r"[A-Za-z0-9_*?]+")
_INVALID = "has an entry that is not a name. Write names or patterns such as JDBC_*, separated by commas"


def _about(environment: Environment, name: str) -> Finding:
    reader = "envconn" if name.startswith(policy.PREFIX) else READ_ELSEWHERE.get(name)
    if reader:
        message = f"names {name}, which {reader} reads all the same. Unset {name} instead"
        return problem("ignore-refused", VARIABLE, message)
    if environment.in_env_file(VARIABLE) and not environment.in_env_file(name):
        message = f"does not leave out {name}, which is set outside of an env file. Set it in the process environment"
        return note("dotenv-ignored", VARIABLE, message)
    return note("variable-ignored", name, f"is left out: {VARIABLE} names it")


def way_out(problems: Iterable[Finding], chosen: Collection[str]) -> tuple[Finding, ...]:
    """Return `problems`, where those about a variable that may be another product's say how to leave it out.

    The variables that are `chosen` for a service are not.
    """
    return tuple(
        _with_way_out(found) if _is_secondary(found) and found.variable not in chosen else found for found in problems
    )


def _is_secondary(found: Finding) -> bool:
    name = found.variable.removesuffix("_FILE")
    return (
        found.code not in {"variable-conflict", "service-duplicate"}
        and name not in READ_ELSEWHERE
        and (name in _SECONDARY or any(variables.named([name])) or bool(variables.replicas([name])))
    )


_SECONDARY = {
    *variables.USUAL,
    *variables.SIBLINGS,
    *variables.BROKER,
    *variables.RESULTS,
    *variables.CACHE,
    *variables.REDIS,
}


def _with_way_out(found: Finding) -> Finding:
    name = found.variable.removesuffix("_FILE")
    message = f"{found.message}. If nothing uses it here, set {VARIABLE}={name}"
    made = problem(found.code, found.variable, message, found.exit_code)
    return made.of(found.service) if found.service else made
