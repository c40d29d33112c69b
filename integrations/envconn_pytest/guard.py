"""The guard: no session begins if the environment leads to a database that is not for tests.

It judges what `envconn.load` finds at that moment, including ``.env``: databases, their siblings, broker
and cache. A tunnel that ends on this machine is recognised by the platform in a variable (``SCALINGO_POSTGRESQL_URL``)
or in the path of a socket (``/cloudsql/...``); any other one looks local.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase

import pytest

from envconn.errors import ConfigurationError, Finding, problem
from envconn.families import SQLITE
from envconn.services import load
from envconn.tls import Policy
from envconn.tls.policy import combined, reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn import SecuredConnection
    from envconn.connection import Host
    from envconn.tls.policy import Demands


ALLOWED = "envconn_allow"
"""The option in pytest's configuration."""
ALLOWED_VARIABLE = "ENVCONN_PYTEST_ALLOW"
"""The environment variable that adds patterns to it."""

_HELP = "host patterns, CIDR blocks and names of databases that tests may use in addition to local ones"
_PRODUCTION = re.compile(r"(?:^|[^a-z])(?:prod|production|live)(?:$|[^a-z])|(?:prod|production)$", re.IGNORECASE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to the command line and the configuration."""
    parser.addini(ALLOWED, type="args", default=[], help=_HELP)
    parser.getgroup("envconn").addoption(
        "--envconn-allow", action="append", default=[], metavar="PATTERN", help=f"{_HELP}; may be repeated"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse the session, with exit code 4, before anything is collected.

    Raises:
        UsageError: a database is neither local nor allowed, looks like production, or cannot be judged.
    """
    if found := objections(_allowed(session.config)):
        listed = "\n".join(f"  {problem} [{problem.code}]" for problem in found)
        raise pytest.UsageError(f"the tests are not run, because of the databases that they would use:\n{listed}")


def _allowed(config: pytest.Config) -> list[str]:
    """Return the patterns from the configuration, the command line and the environment; commas separate them, too."""
    stated = (*config.getini(ALLOWED), *config.getoption("envconn_allow"), os.environ.get(ALLOWED_VARIABLE, ""))
    return re.findall(r"[^\s,]+", " ".join(stated))


def objections(allowed: Iterable[str]) -> tuple[Finding, ...]:
    """Return the reasons against tests in the current environment; `allowed` are patterns as in the configuration."""
    allowed = tuple(allowed)
    try:
        # The patterns of ENVCONN_TLS_WAIVE, and what they must not be.
        rules = combined(Policy(waive=[pattern for pattern in allowed if not _is_name(pattern)]))
    except ConfigurationError:
        return (problem("test-pattern", ALLOWED, _UNUSABLE),)
    try:
        services = load()
    except ConfigurationError as error:
        return tuple(each for each in error.problems if each.code != "database-missing")
    endpoints = [endpoint for service in services.values() for endpoint in (service, *service.siblings)]
    return tuple(dict.fromkeys(each for endpoint in endpoints for each in _against(endpoint, rules, allowed)))


def _is_name(pattern: str) -> bool:
    """Whether `pattern` can be nothing but the name of a database: it has colons, and no address has such letters."""
    return ":" in pattern and re.search(r"[^0-9a-f:.%/*?\[\]]", pattern, re.IGNORECASE) is not None


def _against(endpoint: SecuredConnection, rules: Demands, allowed: tuple[str, ...]) -> Iterator[Finding]:
    for host in endpoint.hosts:
        if message := _elsewhere(host, endpoint, rules, allowed):
            yield problem("test-remote", endpoint.origin.variable, message)
    is_file = endpoint.family == SQLITE
    name = os.path.splitext(os.path.basename(endpoint.dbname))[0] if is_file else endpoint.dbname
    for what, text in (("database", name), ("branch", endpoint.branch or "")):
        # A pattern for hosts does not apply to names.
        if _PRODUCTION.search(text) and text.lower() not in map(str.lower, allowed):
            yield problem("test-production", endpoint.origin.variable, _LIVE.format(what))


def _elsewhere(host: Host, endpoint: SecuredConnection, rules: Demands, allowed: tuple[str, ...]) -> str:
    """Yield where `host` is, unless it is on this machine or allowed."""
    found = reach((host,), rules)
    if not found.local:
        return "" if found.waived else _REMOTE.format(host.host)
    end = host.host.rpartition("/")[2].lower()
    is_allowed = any(fnmatchcase(end, pattern.lower()) for pattern in allowed)
    return "" if endpoint.provider in _HERE or is_allowed else _TUNNEL.format(endpoint.provider)


_HERE = (None, "local")
"""Services that are recognised by an address on this machine although they are elsewhere."""


_WHERE = f"{ALLOWED} (pytest's configuration), {ALLOWED_VARIABLE} or --envconn-allow"
_REMOTE = (
    "is on {}, which is neither local nor allowed for tests. Unset it, set it to a local server, "
    f"or add the host to {_WHERE}"
)
_TUNNEL = (
    "is on {}, through a tunnel on this machine. Unset it, set DATABASE_URL to a local server, "
    f"or add the host to {_WHERE}"
)
_LIVE = (
    f"the {{}} has the name of a production database. Unset it, set it to a test database, or add this name to {_WHERE}"
)
_UNUSABLE = (
    "a pattern matches every host, has a bracket, or is not a CIDR block. Name hosts (*.test.example.com), networks "
    "(10.1.0.0/16) or databases"
)
