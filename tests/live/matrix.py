"""What each cell of the live matrix is held against: the meaning of the levels, written down a second time.

Nothing here looks at how envconn or libpq reach their answers. `SITES` says what a server is, `CLAIMS`
how a CA is stated, `STRICT` and `LENIENT` what must be promised or refused, and `expected` what a
promise means at a site. `DRIVERS` connect, and tell what happened in the same words.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Literal, NamedTuple

import psycopg
import psycopg2

from envconn import TlsLevel
from fakes import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envconn.drivers.libpq import Arguments
    from throwaway.certificates import Certificates

__all__ = ["CLAIMS", "DRIVERS", "LENIENT", "MODES", "SITES", "STRICT", "Claim", "Site", "expected", "family", "naive"]

TLS, CLEAR, DISAGREE = "over TLS", "in clear", "driver and server disagree"
UNTRUSTED, MISNAMED, NO_TLS = "certificate not trusted", "certificate for another name", "TLS not offered"
ERROR, GARBAGE, CLOSED, INJECTED = "answered an error", "answered garbage", "closed", "clear bytes behind the consent"
NOT_IN_CLEAR, ELSEWHERE = "server wants TLS", "gave the password to somebody else"

_WORDS = {
    "certificate verify failed": UNTRUSTED,
    "does not match host name": MISNAMED,
    "server does not support SSL": NO_TLS,
    "server sent an error response during SSL exchange": ERROR,
    "received invalid response to SSL negotiation": GARBAGE,
    "UnicodeDecodeError": GARBAGE,  # psycopg2 cannot read what libpq says about it
    "received unencrypted data after SSL response": INJECTED,
    "server closed the connection unexpectedly": CLOSED,
    "no encryption": NOT_IN_CLEAR,
}
"""libpq's words for a refusal (fe-secure.c, fe-secure-openssl.c, fe-connect.c), and ours."""


class Site(NamedTuple):
    """A server. `signer` is the CA of its certificate, `None` without TLS; `clear` tells whether it takes clear text.

    `refusal` is how a client ends that wants TLS and finds nothing wrong with the certificate;
    `declines` whether the server says honestly that it has none, which is when some go on in clear.
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
    """A way to state a CA: the value of sslrootcert, variables for `envconn`, and whose CA that is."""

    sslrootcert: str = ""
    environ: tuple[tuple[str, str], ...] = ()
    trusted: str | None = None

    def query(self, mode: str) -> dict[str, str]:
        """Return the TLS parameters of a URL; the mode ``absent`` is none."""
        stated = {"sslmode": "" if mode == "absent" else mode, "sslrootcert": self.sslrootcert}
        return {name: value for name, value in stated.items() if value}


CLAIMS: dict[str, Callable[[Certificates], Claim]] = {
    "none": lambda _: Claim(),
    "right": lambda made: Claim(str(made.ca), trusted="ca"),
    "wrong": lambda made: Claim(str(made.other_ca), trusted="other_ca"),
    "text": lambda made: Claim("", (("DATABASE_CA_CERT", made.ca.read_text("ascii")),), "ca"),
    "system": lambda _: Claim("system", trusted="ca"),  # with SSL_CERT_FILE in the process
    "policy": lambda _: Claim("", (("ENVCONN_TLS_CA", "system"),), "ca"),  # the same
}

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

_COLUMN = {"none": 0, "right": 1, "wrong": 1, "text": 2, "system": 3, "policy": 4}


def promised(table: Mapping[str, Row], mode: str, claim: str) -> TlsLevel | str:
    """Look up a level or the codes of a refusal in `STRICT` or `LENIENT`."""
    return table[mode][_COLUMN[claim]]


_QUERY = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


def _psycopg(conninfo: str, arguments: Arguments, *, ask: bool) -> str:
    with psycopg.connect(conninfo, **arguments) as connection:
        row = connection.execute(_QUERY).fetchone() if ask else None
        return _told(row, in_use=connection.pgconn.ssl_in_use)


async def _psycopg_async(conninfo: str, arguments: Arguments, *, ask: bool) -> str:
    async with await psycopg.AsyncConnection.connect(conninfo, **arguments) as connection:
        row = await (await connection.execute(_QUERY)).fetchone() if ask else None
        return _told(row, in_use=connection.pgconn.ssl_in_use)


def _psycopg2(conninfo: str, arguments: Arguments, *, ask: bool) -> str:
    with closing(psycopg2.connect(conninfo, **arguments)) as connection, connection.cursor() as cursor:
        if ask:
            cursor.execute(_QUERY)
        return _told(cursor.fetchone() if ask else None, in_use=connection.info.ssl_in_use)


def _told(row: tuple[bool] | None, *, in_use: bool) -> str:
    if row is not None and row[0] is not in_use:
        return DISAGREE
    return TLS if in_use else CLEAR


DRIVERS = {
    "psycopg": _psycopg,
    "psycopg-async": lambda conninfo, arguments, *, ask: asyncio.run(_psycopg_async(conninfo, arguments, ask=ask)),
    "psycopg2": _psycopg2,
}


def family(driver: str) -> Literal["psycopg", "psycopg2"]:
    """Return the name that `envconn_psycopg.kwargs` knows `driver` by."""
    return "psycopg2" if driver == "psycopg2" else "psycopg"


def outcome(driver: str, conninfo: str, arguments: Arguments, *, ask: bool = True) -> str:
    """Connect and say what came of it, an unknown error in its own words. `ask` the server too, unless it is a fake."""
    try:
        return DRIVERS[driver](conninfo, arguments, ask=ask)
    except (psycopg.Error, psycopg2.Error, UnicodeDecodeError) as error:
        return recognised(f"{type(error).__name__}: {error}")


def recognised(error: str) -> str:
    """Return the word for `error`, the name and text of an exception, or `error` itself where there is none."""
    if error == "OperationalError: ":
        return GARBAGE  # psycopg2 again, below the Python of Debian 12 (3.11.2), where the error of reading is lost
    return next((told for words, told in _WORDS.items() if words in error), error)


def naive(driver: str, uri: str) -> str:
    """Connect as everybody does, with the text and nothing else. Whoever answers is not asked anything."""
    return outcome(driver, uri, {}, ask=False)
