"""What libpq's variables require beside a text (``PGREQUIREAUTH``, ``PGSSLCRL``): they raise it, and never lower it.

libpq uses such a variable if the text does not state it. envconn's drivers get every argument that matters, so
without this module they would require less than libpq alone.
"""

from __future__ import annotations

from envconn.connection import Parameters
from envconn.errors import note, problem
from envconn.families import POSTGRESQL
from envconn.grammar.libpq_keywords import (
    DEMANDS,
    HOME_CRL,
    KEYWORDS,
    METHODS,
    NEWEST,
    WEAK_TLS,
    demanded_by,
    known_methods,
    pins,
    raises,
    reversed_ranges,
    spelled,
)
from envconn.records import replace
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envconn.connection import Connection
    from envconn.errors import Finding

_LISTS = ("sslcrl", "sslcrldir")


def stated(values: Mapping[str, str]) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    """Return the demands among `values`, texts by variable, as texts by keyword; and their problems."""
    found = {name: spelled(name, values[variable]) for variable, name in DEMANDS.items() if values.get(variable)}
    problems = tuple(_wrong(found))
    if HOME_CRL in values and found.keys().isdisjoint(_LISTS):
        found["sslcrl"] = values[HOME_CRL]
    return found, problems


def _wrong(found: Mapping[str, str]) -> Iterator[Finding]:
    # libpq would refuse to connect. A misspelt demand must not look like one that is met.
    for name, value in found.items():
        keyword = KEYWORDS[name]
        # With a weak version, libpq requires less than envconn without: it changes nothing.
        if keyword.values and value not in (*keyword.values, *(WEAK_TLS if keyword.folded else ())):
            yield problem(
                "policy-unknown", keyword.variable, f"is invalid: expected one of {', '.join(keyword.values)}"
            )
        if name == "require_auth" and not known_methods(value):
            yield problem("policy-unknown", keyword.variable, METHODS)


def raised(connection: Connection, demanded: Mapping[str, str], *, has_ca: bool) -> tuple[Connection, tuple[str, ...]]:
    """Return `connection` with what is `demanded` beyond its text, and the keywords that this changes.

    Without a CA, libpq ignores revocation lists; a ``requirepeer`` only applies to sockets.
    """
    if not demanded or connection.family != POSTGRESQL:
        return connection, ()
    stated = connection.parameters
    added = {
        name: value
        for name, value in demanded.items()
        if raises(name, stated.get(name), value) and _concerns(name, value, connection, has_ca=has_ca)
    }
    return replace(connection, parameters=Parameters({**stated, **added})), tuple(added)


def _concerns(name: str, value: str, connection: Connection, *, has_ca: bool) -> bool:
    if name == "sslcrl" and "sslcrldir" in connection.parameters and demanded_by(name, value) == HOME_CRL:
        return False  # libpq does not look for the file then
    if name in _LISTS:
        return has_ca
    return name != "requirepeer" or any(host.is_socket for host in connection.hosts)


def contradictions(connection: Connection, added: tuple[str, ...], level: TlsLevel) -> Iterator[Finding]:
    """Yield the problems with the parameters of `connection`, of `level`, after the keywords `added` were added."""
    parameters = connection.parameters
    if "sslnegotiation" in added and level < TlsLevel.ENCRYPTED:
        is_socket = all(host.is_socket for host in connection.hosts)
        yield problem("direct-needs-tls", "PGSSLNEGOTIATION", _DIRECT[is_socket].format(connection.origin.variable))
    if "sslcrl" in added and "sslcrldir" in parameters and "sslcrldir" not in added:
        # Of two lists by one issuer, libpq uses that of the file: it may lack what the directory revokes.
        yield problem("crl-contradicts", "PGSSLCRL", _TWO_PLACES.format(connection.origin.variable))
    for least, most in reversed_ranges(parameters):
        yield problem("tls-version-range", KEYWORDS[least].variable, _RANGE.format(most, connection.origin.variable))


_TWO_PLACES = "names a list beside the directory in sslcrldir of {0}, and the two may differ. Name both in {0}"
_DIRECT = (
    "requires TLS, and {} does not. Use sslmode=require there, or unset PGSSLNEGOTIATION",
    "requires TLS, which the unix socket of {} cannot use. Unset PGSSLNEGOTIATION",
)
_RANGE = "is above {} of {}. Change one of the two"


def notes(connection: Connection, demanded: Mapping[str, str], added: tuple[str, ...]) -> Iterator[Finding]:
    """Yield a note for each variable that changed something, or changed nothing although `connection` differs."""
    where, written = connection.origin.variable, {**pins(connection.parameters, NEWEST), **connection.parameters}
    for name, value in demanded.items() if connection.family == POSTGRESQL else ():
        variable = demanded_by(name, value)
        if name in added:
            yield note("demand-raised", variable, f"requires more than {where} does, and applies to it: {name}")
        elif written.get(name) != value:
            yield note(
                "pg-variable-ignored",
                variable,
                f"has no effect on {where}, which asks for the same or more, or does not use it",
            )
