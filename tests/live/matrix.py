"""What each cell of the live matrix is held against: the meaning of the levels, written down a second time.

Nothing here connects, or looks at how envconn or a driver reach their answers. `SITES` says what a server
is, `CLAIMS` how a CA is stated, `RULES` and `FLOORS` what must be promised or refused, and `expected`
what a promise means at a site. docs/verdicts.md is printed from these tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envconn import TlsLevel
from fakes import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from throwaway.certificates import Certificates

__all__ = ["CLAIMS", "FLOORS", "LENIENT", "MODES", "RULES", "SITES", "STACKS", "STRICT", "Claim", "Site", "expected"]

TLS, CLEAR, DISAGREE = "over TLS", "in clear", "driver and server disagree"
UNTRUSTED, MISNAMED, NO_TLS = "certificate not trusted", "certificate for another name", "TLS not offered"
ERROR, GARBAGE, CLOSED, INJECTED = "answered an error", "answered garbage", "closed", "clear bytes behind the consent"
NOT_IN_CLEAR, ELSEWHERE = "server wants TLS", "gave the password to somebody else"


class Site(NamedTuple):
    """A server. `signer` is the CA of its certificate, `None` without TLS; `clear`: it accepts unencrypted connections.

    `refusal` is how a client ends that wants TLS and finds nothing wrong with the certificate;
    `declines` whether the server says honestly that it has none, and then some continue unencrypted.
    """

    signer: str | None
    named: bool = True
    current: bool = True
    clear: bool = False
    refusal: str = ""
    declines: bool = False
    answer: Answer | None = None


SITES = {
    "good": Site("ca"),
    "wronghost": Site("ca", named=False),
    "expired": Site("ca", current=False),
    "unknownca": Site("other_ca"),
    "intermediate": Site("ca"),
    "both": Site("ca", clear=True),
    "both_unknownca": Site("other_ca", clear=True),
    "notls": Site(None, clear=True, refusal=NO_TLS, declines=True),
    "fake_n": Site(None, clear=True, refusal=NO_TLS, declines=True, answer=Answer.N),
    "fake_error": Site(None, clear=True, refusal=ERROR, answer=Answer.ERROR),
    "fake_garbage": Site(None, clear=True, refusal=GARBAGE, answer=Answer.GARBAGE),
    "fake_close": Site(None, clear=True, refusal=CLOSED, answer=Answer.CLOSE),
    "fake_inject": Site("ca", clear=True, refusal=INJECTED, answer=Answer.INJECT),
}


def expected(level: TlsLevel, site: Site, trusted: str | None) -> str:
    """Say what a connection of `level` that trusts the CA `trusted` must come to at `site`."""
    if level == TlsLevel.NONE:
        return CLEAR if site.clear else NOT_IN_CLEAR
    if site.signer is None:
        return CLEAR if level == TlsLevel.OPPORTUNISTIC and site.declines else site.refusal
    if level >= TlsLevel.VERIFY_CA and (site.signer != trusted or not site.current):
        return UNTRUSTED
    if level >= TlsLevel.VERIFY_FULL and not site.named:
        return MISNAMED
    return site.refusal or TLS


class Claim(NamedTuple):
    """A way to state a CA: the value of sslrootcert, and variables for `envconn`."""

    sslrootcert: str = ""
    environ: tuple[tuple[str, str], ...] = ()

    def query(self, mode: str) -> dict[str, str]:
        """Return the TLS parameters of a URL; the mode ``absent`` means none."""
        stated = {"sslmode": "" if mode == "absent" else mode, "sslrootcert": self.sslrootcert}
        return {name: value for name, value in stated.items() if value}


CLAIMS: dict[str, Callable[[Certificates], Claim]] = {
    "none": lambda _: Claim(),
    "right": lambda made: Claim(str(made.ca)),
    "wrong": lambda made: Claim(str(made.other_ca)),
    "text": lambda made: Claim("", (("DATABASE_CA_CERT", made.ca.read_text("ascii")),)),
    "system": lambda _: Claim("system"),  # with SSL_CERT_FILE in the process
    "policy": lambda _: Claim("", (("ENVCONN_TLS_CA", "system"),)),  # the same
}
TRUSTED = {"none": None, "right": "ca", "wrong": "other_ca", "text": "ca", "system": "ca", "policy": "ca"}
"""Whose CA each claim states; ``ca`` is the one that the servers are signed by."""

MODES = ("absent", "disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_ENCRYPTED, _CA, _FULL = TlsLevel.ENCRYPTED, TlsLevel.VERIFY_CA, TlsLevel.VERIFY_FULL
_ANY, _NONE = TlsLevel.OPPORTUNISTIC, TlsLevel.NONE

Row = tuple[TlsLevel | str, ...]

# The level that is promised, or the code of the refusal:
#                none          sslrootcert    text           system         policy
STRICT: dict[str, Row] = {
    "absent": (_ENCRYPTED, _CA, _CA, _FULL, _FULL),
    "disable": ("tls-disabled", "tls-disabled", "tls-disabled", "tls-disabled sslmode-contradicts", "tls-disabled"),
    "allow": (_ENCRYPTED, _CA, _CA, _FULL, _FULL),
    "prefer": (_ENCRYPTED, _CA, _CA, _FULL, _FULL),
    "require": (_ENCRYPTED, _CA, _CA, _FULL, _FULL),
    "verify-ca": ("ca-missing", _CA, _CA, _FULL, _FULL),
    "verify-full": ("ca-missing", _FULL, _FULL, _FULL, _FULL),
}
"""The rules for hosts that leave the machine, and for all with ENVCONN_TLS_LOCAL=enforce."""

LENIENT: dict[str, Row] = STRICT | {
    "absent": (_ANY, _CA, _ANY, _FULL, _ANY),
    "disable": (_NONE, _NONE, _NONE, "sslmode-contradicts", _NONE),
    "allow": (_ANY, _CA, _ANY, _FULL, _ANY),
    "prefer": (_ANY, _CA, _ANY, _FULL, _ANY),
}
"""The rules for loopback addresses: what the text asks for, and verification where it names a CA."""

RULES = {"enforce": STRICT, "allow": LENIENT}
"""The rules by the value of ENVCONN_TLS_LOCAL, for servers that are all on loopback addresses."""

FLOORS = {"require": _ENCRYPTED, "verify-ca": _CA, "verify-full": _FULL}
"""The values of ENVCONN_TLS, and the lowest level that each lets leave the machine."""

_COLUMN = {"none": 0, "right": 1, "wrong": 1, "text": 2, "system": 3, "policy": 4}


def promised(rules: Mapping[str, Row], mode: str, claim: str, floor: str = "require") -> TlsLevel | str:
    """Look up a level or the codes of a refusal in `STRICT` or `LENIENT`; a verifying floor needs a CA."""
    due = rules[mode][_COLUMN[claim]]
    if rules is LENIENT or floor == "require":
        return due
    if claim == "none":
        return "tls-disabled ca-missing" if due == "tls-disabled" else "ca-missing"
    return max(due, FLOORS[floor]) if isinstance(due, TlsLevel) else due


STACKS = (
    *("psycopg", "psycopg, async", "psycopg2", "asyncpg", "pg8000"),
    *("sqlalchemy+psycopg", "sqlalchemy+psycopg2", "sqlalchemy+pg8000"),
    *("sqlalchemy+psycopg, async", "sqlalchemy+asyncpg, async"),
    *("flask-sqlalchemy", "django on psycopg", "django on psycopg2", "celery results"),
)
"""Everything that reaches PostgreSQL: drivers, and what stands on them. `stacks` knows how each connects."""


REDIS = {
    "": (_FULL, _FULL, _FULL),
    "ssl_cert_reqs=required": (_FULL, _FULL, _FULL),
    "ssl_check_hostname=false": (_CA, _CA, _FULL),
    "ssl_cert_reqs=none": (_ENCRYPTED, _CA, _FULL),
}
"""What a ``rediss`` URL says: the level under each of `FLOORS`, for broker, results, cache and redis-py."""

RABBITMQ = {
    "": (_FULL, _FULL, _FULL),
    "verify=verify_peer": (_FULL, _FULL, _FULL),
    "verify=verify_none": (_ENCRYPTED, _CA, _FULL),
}
"""The same of an ``amqps`` URL, for a broker."""

WHOLE = {
    "require": (
        ("absent", "none", "good"),
        ("absent", "right", "unknownca"),
        ("verify-full", "right", "wronghost"),
        ("absent", "none", "notls"),
        ("disable", "none", "good"),
    ),
    "verify-ca": (
        ("absent", "right", "good"),
        ("absent", "right", "unknownca"),
        ("verify-full", "right", "wronghost"),
        ("absent", "right", "notls"),
        ("absent", "none", "good"),
    ),
    "verify-full": (
        ("absent", "right", "good"),
        ("absent", "right", "unknownca"),
        ("absent", "right", "wronghost"),
        ("absent", "right", "notls"),
        ("absent", "none", "good"),
    ),
}
"""By policy, the cells (mode, CA, server) that whole programs are tried in: one for each way to end."""


def outcomes(level: TlsLevel, site: str, trusted: str | None) -> set[str]:
    """Say what a promise may come to in any stack, as far as that differs from `expected`.

    Python's drivers notice clear bytes behind the consent before they have seen a certificate, libpq after.
    """
    early = {INJECTED} if site == "fake_inject" and level > TlsLevel.NONE else set()
    return {expected(level, SITES[site], trusted)} | early


def is_free(stack: str, level: TlsLevel, site: str) -> bool:
    """Say whether `stack` may do as it likes: optional TLS, which pg8000 takes every answer but "S" to decline."""
    return level == TlsLevel.OPPORTUNISTIC and "pg8000" in stack and SITES[site].answer is not None
