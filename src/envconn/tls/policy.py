"""What is demanded of every connection: a floor, what counts as an exception, and a CA.

The environment states it, or a program with `Policy(...)`:

===================== ==============================================================================
``ENVCONN_TLS``       ``require`` (default), ``verify-ca``, ``verify-full``, ``best``
``ENVCONN_TLS_LOCAL`` ``allow`` (default), ``enforce``: the floor holds on unix sockets and loopback, too
``ENVCONN_TLS_WAIVE`` host patterns (``*.internal``) and CIDR blocks where clear text is tolerated
``ENVCONN_TLS_CA``    a CA for connections that name none: path, ``system``, PEM text, or base64 of it
``DATABASE_CA_CERT``  the same for databases only, under the name that several platforms use
``PGSSLMODE``         raises the floor where it asks for more; can never lower it
``PGSSLROOTCERT``     the CA of a database when nothing else names one, as in libpq
===================== ==============================================================================
"""

from __future__ import annotations

import re

from envconn.errors import ConfigurationError, Finding, note, problem
from envconn.grammar.libpq_keywords import FROM_VERDICT
from envconn.records import Record
from envconn.tls.levels import SSLMODES, TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Self

    from envconn.connection import Host


class Reach(Record):
    """`local`: every host is a unix socket or a loopback address. `waived`: the patterns that cover the others.

    `exempt` says whether the policy's floor does not apply.
    """

    local: bool
    waived: str | None
    exempt: bool


def reach(hosts: tuple[Host, ...], policy: Policy) -> Reach:
    """Classify `hosts`: one that leaves the machine makes the whole list leave, one not waived makes none waived."""
    remote = [host for host in hosts if not is_local(host)]
    if not remote:
        return Reach(local=True, waived=None, exempt=not policy.enforce_local)
    patterns = [next((pattern for pattern in policy.waive if _covers(pattern, host)), None) for host in remote]
    waived = ", ".join(dict.fromkeys(pattern for pattern in patterns if pattern)) if all(patterns) else None
    return Reach(local=False, waived=waived, exempt=waived is not None)


def is_local(host: Host) -> bool:
    """Whether `host` is a unix socket or a loopback address; `hostaddr`, the address dialled, has the last word."""
    if host.is_socket:
        return True
    if not host.hostaddr and host.host.lower() in {"localhost", "localhost."}:
        return True
    address = host.hostaddr or host.host
    if not _looks_numeric(address):
        return False
    from ipaddress import ip_address

    try:
        found = ip_address(address)
    except ValueError:
        return False
    # ::ffff:127.0.0.1 is loopback for Python since 3.13 and not before; here it never is.
    return found.is_loopback and getattr(found, "ipv4_mapped", None) is None


def _covers(pattern: str, host: Host) -> bool:
    if "/" not in pattern:
        from fnmatch import fnmatchcase

        return fnmatchcase(host.host.lower(), pattern.lower())
    address = host.hostaddr or host.host
    if not _looks_numeric(address):
        return False
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(address) in ip_network(pattern)
    except ValueError:
        return False


def _looks_numeric(address: str) -> bool:
    return address[:1].isdigit() or ":" in address


VARIABLES = (
    "ENVCONN_TLS",
    "ENVCONN_TLS_LOCAL",
    "ENVCONN_TLS_WAIVE",
    "ENVCONN_TLS_CA",
    "DATABASE_CA_CERT",
    *FROM_VERDICT,
)

_FLOORS = {word: SSLMODES[word] for word in ("require", "verify-ca", "verify-full")}
_FOR_DATABASES = ("DATABASE_CA_CERT", "PGSSLROOTCERT")
_CA_VARIABLES = ("ENVCONN_TLS_CA", *_FOR_DATABASES)
_NO_DATABASES = frozenset({"amqp", "redis", "sentinel"})


class _Demands(Record):
    floor: TlsLevel
    best: bool
    enforce_local: bool
    waive: tuple[str, ...]
    ca: str | None
    ca_variable: str


class Policy(_Demands):
    """The demands on every connection; all arguments are keywords.

    `floor` is the least `TlsLevel` of a connection that leaves the machine, at least
    ``ENCRYPTED``. `best` raises it to what the provider's certificates are known to meet.
    `enforce_local` applies the floor to unix sockets (which can never meet it) and loopback
    addresses as well. `waive` lists host patterns and CIDR blocks where clear text is tolerated.
    `ca` is used by connections that name none: a path, ``system``, PEM text, or base64 of it;
    `ca_variable` is what to call it in messages.

    Raises:
        ConfigurationError: the floor is below ``ENCRYPTED``, or a waiver covers every host.
    """

    __slots__ = ()

    def __new__(  # noqa: PLR0913 - one for each demand
        cls,
        *,
        floor: TlsLevel = TlsLevel.ENCRYPTED,
        best: bool = False,
        enforce_local: bool = False,
        waive: tuple[str, ...] = (),
        ca: str | None = None,
        ca_variable: str = "Policy.ca",
    ) -> Self:
        """Check the floor and the waivers."""
        problems = [] if floor >= TlsLevel.ENCRYPTED else [_LOW_FLOOR]
        problems += [found for pattern in waive if (found := _unusable(pattern, "Policy.waive"))]
        if problems:
            # This frame is a part of the traceback, and tools print its variables.
            del ca, waive
            raise ConfigurationError(problems)
        return super().__new__(cls, floor, best, enforce_local, waive, ca, ca_variable)

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]
        # What `_replace` and `copy.replace` end in: they are checked, too.
        return cls(**dict(zip(cls._fields, iterable, strict=True)))

    def ca_for(self, family: str) -> str | None:
        """Return the CA for connections of protocol `family` that name none, or `None`.

        One that was named for the databases says nothing about whose certificate a broker has.
        """
        return None if family in _NO_DATABASES and self.ca_variable in _FOR_DATABASES else self.ca

    def __repr__(self) -> str:
        return (
            f"<Policy floor={self.floor} best={self.best} enforce_local={self.enforce_local} waive={list(self.waive)}>"
        )


class Stated(Record):
    """The policy that the environment states, what is wrong with it, and what is worth reporting."""

    policy: Policy
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def stated(values: Mapping[str, str]) -> Stated:
    """Read the policy from the texts of `VARIABLES`; a missing or blank one is not set."""
    word = values.get("ENVCONN_TLS") or "require"
    floor, notes = _raised(_FLOORS.get(word, TlsLevel.ENCRYPTED), values.get("PGSSLMODE", ""))
    local = values.get("ENVCONN_TLS_LOCAL") or "allow"
    waive = tuple(re.findall(r"[^\s,]+", values.get("ENVCONN_TLS_WAIVE", "")))
    problems = [found for pattern in waive if (found := _unusable(pattern, "ENVCONN_TLS_WAIVE"))]
    if word not in {*_FLOORS, "best"}:
        problems.append(
            problem("policy-unknown", "ENVCONN_TLS", "not a known level; write require, verify-ca, verify-full or best")
        )
    if local not in {"allow", "enforce"}:
        problems.append(problem("policy-unknown", "ENVCONN_TLS_LOCAL", "not a known word; write allow or enforce"))
    if (mode := values.get("PGSSLMODE")) and mode not in SSLMODES:
        # libpq would refuse to connect. A misspelt verify-full must not pass for a wish that is met.
        problems.append(problem("policy-unknown", "PGSSLMODE", f"not a word of libpq; write {', '.join(SSLMODES)}"))
    ca_variable = next((name for name in _CA_VARIABLES if values.get(name)), None)
    policy = Policy(
        floor=floor,
        best=word == "best",
        enforce_local=local == "enforce",
        waive=() if problems else waive,
        ca=values[ca_variable] if ca_variable else None,
        ca_variable=ca_variable or "",
    )
    return Stated(policy, tuple(problems), notes)


def _raised(floor: TlsLevel, pgsslmode: str) -> tuple[TlsLevel, tuple[Finding, ...]]:
    level = SSLMODES.get(pgsslmode, TlsLevel.NONE)
    if not pgsslmode:
        return floor, ()
    if level > floor:
        return level, (
            note("pgsslmode-stronger", "PGSSLMODE", f"asks for more than ENVCONN_TLS and raises the floor to {level}"),
        )
    return floor, (note("pgsslmode-overruled", "PGSSLMODE", "has no effect: it asks for no more than the policy does"),)


def _unusable(pattern: str, variable: str) -> Finding | None:
    """Refuse a waiver that covers everything, or that is neither a host pattern nor a CIDR block."""
    if "[" in pattern:
        # fnmatch's classes: [!_]* covers every host and does not look like it.
        return problem("waiver-malformed", variable, "a pattern has a bracket; only * and ? stand for other characters")
    if "/" not in pattern:
        return _too_wide(variable) if not pattern.strip("*?.") else None
    from ipaddress import ip_network

    try:
        network = ip_network(pattern)
    except ValueError:
        network = None
    if network is None:
        return problem(
            "waiver-malformed",
            variable,
            "a pattern with a slash is no CIDR block; write it like 10.1.0.0/16, host bits zero",
        )
    return _too_wide(variable) if network.prefixlen == 0 else None


def _too_wide(variable: str) -> Finding:
    return problem(
        "waiver-too-wide",
        variable,
        "a pattern covers every host; name the hosts or the network that may do without TLS",
    )


_LOW_FLOOR = problem(
    "policy-floor", "Policy.floor", "below ENCRYPTED; a host that may do without TLS goes into Policy.waive"
)
