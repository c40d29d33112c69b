"""The judgement: the requested level, the required level, and the level that is enforced.

The steps, in order:

1. ``sslmode`` and ``sslrootcert`` state the requested level, with libpq's meaning.
2. A connection on this machine, or to a host with a waiver, keeps that level, or gets what libpq would use for a text
   without ``sslmode``: that of ``PGSSLMODE``.
3. Any other is raised to the policy's floor; ``sslmode=disable`` is refused instead of raised,
   because it is an explicit choice.
4. A stated CA means verification in every mode that uses TLS (libpq: "require" with a root file
   behaves like verify-ca), and ``system`` means verify-full (PostgreSQL 18 manual, 32.1.2, sslrootcert).
5. Verification without a CA is an error here and not at the first connection.
"""

from __future__ import annotations

import os

from envconn.errors import Finding, problem
from envconn.families import FAMILIES, MYSQL, POSTGRESQL, REDIS, SENTINEL
from envconn.grammar.hosts import is_complete
from envconn.grammar.libpq_keywords import demanded_by
from envconn.providers import identify, is_recognised, objections
from envconn.tls import deciding_files
from envconn.tls.judged import Judgement, Verdict
from envconn.tls.levels import SSLMODES, TlsLevel
from envconn.tls.policy import prefix, reach
from envconn.tls.secured import SecuredConnection, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.connection import Connection
    from envconn.identity import Identity
    from envconn.providers import Endpoint
    from envconn.tls.ca import CA
    from envconn.tls.judged import Context
    from envconn.tls.policy import Demands, Reach


def judge(connection: Connection, context: Context, name: str) -> SecuredConnection | tuple[Finding, ...]:
    """Recognise the provider of `connection`, judge it in `context` and seal it as `name`, or return every problem."""
    policy, endpoint = context.policy, identify(connection, context.hints)
    requested_level = _possible(requested(connection), connection, endpoint, context)
    how_far = reach(connection.hosts, policy)
    floor = _floor(policy, connection, endpoint)
    unstated, raising = _unstated(connection, policy)
    least = max(requested_level, unstated) if how_far.exempt else max(requested_level, unstated, floor)
    level, ca = _enforced(connection, endpoint, context, least)
    disabled = _disabled(connection, policy, endpoint, local=how_far.local) if requested_level == TlsLevel.NONE else ""
    problems = _contradictions(connection, requested_level, how_far, level, disabled, context.identity)
    problems += _weak_for_system(connection, requested_level, how_far, policy)
    trusted = ca if not isinstance(ca, Finding) and level > TlsLevel.NONE else None
    connection, demanded, contradictions = _with_demands(connection, policy.demanded, level, has_ca=trusted is not None)
    connection = deciding_files.located(connection, context.directory)
    problems += [*contradictions, *objections(connection, endpoint)]
    problems += deciding_files.problems(connection, demanded)
    problems += _ca_problems(connection, endpoint, level, ca, context, name)
    if context.identity and not FAMILIES[connection.family].serverless:
        verified = level == TlsLevel.VERIFY_FULL or how_far.local
        problems += context.identity.problems(connection, f"{prefix(name)}AUTH", verified=verified)
        context = context._replace(supplier=context.identity)
    if problems:
        return tuple(problems)
    if unstated < least or not (how_far.exempt or unstated > floor):
        raising = "ENVCONN_TLS"
    sources = _sources(policy, raising, trusted, by_ca=level > least)
    demands = tuple((demanded_by(each, connection.parameters[each]), each) for each in demanded)
    serverless, facts = FAMILIES[connection.family].serverless, (how_far.local, how_far.waived, trusted)
    verdict = Verdict(level, requested_level, *facts, _words(connection), demands, *sources, serverless)
    files = deciding_files.contents(connection.parameters, trusted)
    return seal(Judgement(name, connection, endpoint, context, verdict, how_far.exempt, demanded, judge, files))


def _sources(policy: Demands, raising: str, trusted: CA | None, *, by_ca: bool) -> tuple[str, str, str]:
    """Return where the level, the waiver and the CA are stated; `by_ca` is whether the CA raises the level."""
    named = trusted.variable if trusted else ""
    return policy.place(named if by_ca else raising), policy.place("ENVCONN_TLS_WAIVE"), policy.place(named)


def requested(connection: Connection) -> TlsLevel:
    """Return the level that the text itself requests. Without one it is libpq's default, ``prefer``."""
    parameters = connection.parameters
    if parameters.get("sslrootcert") == "system" and parameters.get("sslmode") != "disable":
        return TlsLevel.VERIFY_FULL
    if connection.foreign.get("sslaccept") == "strict":
        # Prisma's parameter for a verified server; with sslmode=require it requests more than that.
        return TlsLevel.VERIFY_FULL
    level = SSLMODES[parameters.get("sslmode") or ("verify-full" if FAMILIES[connection.family].verified else "prefer")]
    return TlsLevel.VERIFY_CA if level == TlsLevel.ENCRYPTED and "sslrootcert" in parameters else level


def _enforced(
    connection: Connection, endpoint: Endpoint, context: Context, least: TlsLevel
) -> tuple[TlsLevel, CA | Finding | None]:
    """Return the level, `least` or more, and the CA: with a stated one the server is verified."""
    if all(host.is_socket for host in connection.hosts):
        return TlsLevel.NONE, None
    ca = _ca(connection, endpoint, context, least)
    if ca is None or least < _verified_from(connection):
        return least, ca
    is_system = not isinstance(ca, Finding) and ca.kind == "system"
    return max(least, TlsLevel.VERIFY_FULL if is_system else TlsLevel.VERIFY_CA), ca


def _unstated(connection: Connection, policy: Demands) -> tuple[TlsLevel, str]:
    """Return the level that libpq's variables state for what the text leaves out, also where no floor applies.

    The second is the name of its place in the policy. Where ``system`` is the CA, libpq accepts ``verify-full`` alone,
    and uses it if no ``sslmode`` is stated (fe-connect.c, conninfo_add_defaults and pqConnectOptions2).
    """
    if connection.family != POSTGRESQL:
        return TlsLevel.NONE, "sslmode"
    left_out = {"sslmode": policy.sslmode, "PGSSLROOTCERT": policy.sslrootcert}
    if "sslmode" in connection.parameters:
        left_out["sslmode"] = TlsLevel.NONE
    if "sslrootcert" in connection.parameters:
        left_out["PGSSLROOTCERT"] = TlsLevel.NONE
    place = max(left_out, key=lambda each: left_out[each])
    return left_out[place], place


def _possible(requested_level: TlsLevel, connection: Connection, endpoint: Endpoint, context: Context) -> TlsLevel:
    # Heroku's Redis has a self-signed certificate, and a rediss:// URL that does not say so. Anyone may have
    # a host that looks like one of Heroku's: the environment must state that it is.
    is_silent = connection.parameters.keys().isdisjoint({"sslmode", "sslrootcert"})
    known = endpoint.self_signed
    if not (known and is_silent and FAMILIES[connection.family].verified and _is_stated(connection, context)):
        return requested_level
    return min(requested_level, SSLMODES[known.sslmode])


def _is_stated(connection: Connection, context: Context) -> bool:
    """Whether ``ENVCONN_PROVIDER`` names the provider that this host looks like."""
    stated = context.hints.provider if context.hints else None
    return stated is not None and is_recognised(connection, stated)


def _floor(policy: Demands, connection: Connection, endpoint: Endpoint) -> TlsLevel:
    known = endpoint.provider.certificates if endpoint.provider else None
    at_hand = policy.ca_for(connection.family) or "sslrootcert" in connection.parameters or endpoint.ca
    return max(policy.floor, SSLMODES[known.sslmode]) if policy.best and known and at_hand else policy.floor


def _verified_from(connection: Connection) -> TlsLevel:
    # A CA in the text requests verification, even with `prefer`, where libpq would continue
    # without TLS exactly when the certificate is invalid. A CA for all connections does not.
    return TlsLevel.OPPORTUNISTIC if "sslrootcert" in connection.parameters else TlsLevel.ENCRYPTED


def _ca(connection: Connection, endpoint: Endpoint, context: Context, level: TlsLevel) -> CA | Finding | None:
    """Return the stated CA: from the text, otherwise from the policy, otherwise from the provider's record."""
    stated = _stated_ca(connection, endpoint, context.policy, level) or _optional_ca(connection, context, level)
    if stated is None:
        return None
    from envconn.tls.ca import read

    return read(*stated, context.directory)


def _stated_ca(connection: Connection, endpoint: Endpoint, policy: Demands, level: TlsLevel) -> tuple[str, str] | None:
    if "sslrootcert" in connection.parameters:
        return connection.parameters["sslrootcert"], connection.origin.variable
    if level >= TlsLevel.ENCRYPTED and (stated := policy.ca_for(connection.family)):
        return stated
    if level >= TlsLevel.VERIFY_CA and endpoint.provider and endpoint.ca:
        return endpoint.ca, f"the record of {endpoint.provider.name}"
    if level >= TlsLevel.VERIFY_CA and FAMILIES[connection.family].verified:
        return "system", connection.origin.variable
    return None


def _optional_ca(connection: Connection, context: Context, level: TlsLevel) -> tuple[str, str] | None:
    """Return the CA that libpq checks a certificate against where TLS is optional, as it does if the file exists."""
    known = context.policy.libpq_ca if connection.family == POSTGRESQL and level == TlsLevel.OPPORTUNISTIC else None
    return known if known and os.path.exists(os.path.join(context.directory, known[0])) else None


def _with_demands(
    connection: Connection, demanded: Mapping[str, str], level: TlsLevel, *, has_ca: bool
) -> tuple[Connection, tuple[str, ...], Iterable[Finding]]:
    """Return `connection` with what libpq's variables demand, the keywords that this changes, and problems."""
    if not demanded:
        return connection, (), ()
    from envconn.tls.libpq_demands import contradictions, raised

    raised_connection, added = raised(connection, demanded, has_ca=has_ca)
    return raised_connection, added, contradictions(raised_connection, added, level)


def _contradictions(  # noqa: PLR0913, PLR0917 - what may contradict
    connection: Connection,
    requested_level: TlsLevel,
    how_far: Reach,
    level: TlsLevel,
    disabled: str,
    identity: Identity | None,
) -> list[Finding]:
    variable, parameters = connection.origin.variable, connection.parameters
    family = FAMILIES[connection.family]
    sockets = [host.is_socket for host in connection.hosts]
    lacks_password = connection.family == REDIS and bool(connection.user) and not (connection.password or identity)
    found = [
        (not is_complete(connection), "host-missing", _INCOMPLETE),
        (requested_level == TlsLevel.NONE and not how_far.exempt and not any(sockets), "tls-disabled", disabled),
        (all(sockets) and not how_far.exempt and not family.serverless, "socket-enforced", _SOCKET),
        (any(sockets) and not all(sockets), "hosts-mixed", _MIXED),
        (
            parameters.get("sslrootcert") == "system" and requested_level == TlsLevel.NONE,
            "sslmode-contradicts",
            _SYSTEM_DISABLED,
        ),
        (
            parameters.get("sslnegotiation") == "direct" and level < TlsLevel.ENCRYPTED,
            "direct-needs-tls",
            _DIRECT[all(sockets)],
        ),
        (("sslcert" in parameters) != ("sslkey" in parameters), "sslkey-missing", _PAIR),
        *(
            (name in parameters and level < TlsLevel.VERIFY_CA, "crl-without-ca", f"{name} {_CRL}")
            for name in ("sslcrl", "sslcrldir")
        ),
        (connection.family == SENTINEL and "master_name" not in parameters, "sentinel-master", _MASTER),
        (lacks_password, "password-missing", _NO_PASSWORD),
    ]
    return [problem(code, variable, message) for is_so, code, message in found if is_so]


def _weak_for_system(
    connection: Connection, requested_level: TlsLevel, how_far: Reach, policy: Demands
) -> list[Finding]:
    """Return the problem of a text without TLS beside a variable with which libpq accepts ``verify-full`` alone."""
    is_left = connection.family == POSTGRESQL and "sslrootcert" not in connection.parameters
    if not (is_left and requested_level == TlsLevel.NONE and how_far.exempt and policy.sslrootcert > requested_level):
        return []
    return [problem("sslmode-contradicts", connection.origin.variable, _SYSTEM_BESIDE)]


def _disabled(connection: Connection, policy: Demands, endpoint: Endpoint, *, local: bool) -> str:
    family, meaning = FAMILIES[connection.family], ""
    written, remedy = next((each.split()[0] for each in connection.notes if each[:4] == "ssl="), ""), family.instead
    written = written or family.unencrypted
    if endpoint.provider and endpoint.provider.tls_switch:
        remedy, meaning = endpoint.provider.tls_switch, _WAIVING
    if local:
        return (
            f"{written} for a local host, although ENVCONN_TLS_LOCAL=enforce is set. {remedy}, or set "
            "ENVCONN_TLS_LOCAL=allow"
        )
    return f"{written} for a remote host. {remedy}, or {policy.waiver(connection.hosts)}{meaning}"


_WAIVING = ": then the password and all data are sent unencrypted"
_INCOMPLETE = "the host, the user or the database name is missing. Add all of them"
_SOCKET = (
    "a unix socket cannot use TLS, but ENVCONN_TLS_LOCAL=enforce is set. Name a TCP host, or set "
    "ENVCONN_TLS_LOCAL=allow"
)
_MIXED = "the list has a unix socket and a network host, which have different TLS levels. Use one variable for each"
_SYSTEM_DISABLED = "sslmode=disable contradicts sslrootcert=system. Use sslmode=verify-full"
_SYSTEM_BESIDE = "sslmode=disable contradicts PGSSLROOTCERT=system. Remove sslmode, or unset PGSSLROOTCERT"
_DIRECT = (
    "sslnegotiation=direct requires TLS. Use sslmode=require or stronger",
    "sslnegotiation=direct requires TLS, which a unix socket cannot use. Remove it",
)
_PAIR = "only one of sslcert and sslkey is given. Name both files, or neither"
_NO_PASSWORD = "there is a user without a password. Write user:password@, or :password@ for a password without a user"  # noqa: S105
_MASTER = "the master's name is missing. Add /name after the hosts, or set ENVCONN_SENTINEL_MASTER"
_CRL = "has no effect without a CA. Add sslrootcert, or remove it"


def _ca_problems(  # noqa: PLR0913, PLR0917 - what is judged, and what a remedy has to name
    connection: Connection,
    endpoint: Endpoint,
    level: TlsLevel,
    ca: CA | Finding | None,
    context: Context,
    name: str,
) -> list[Finding]:
    """Return the problem of a CA that cannot be used, cannot match, or is missing."""
    variable, known = connection.origin.variable, endpoint.provider.certificates if endpoint.provider else None
    if isinstance(ca, Finding):
        return [ca]
    if level < TlsLevel.VERIFY_CA:
        return []
    if ca and ca.kind == "text":
        return ca.file_problems()
    if ca is None:
        cause = _cause(connection, level, context.policy)
        return [problem("ca-missing", variable, f"{level}{cause} requires a CA. {_remedy(connection, context, name)}")]
    # A host may only look like the provider's; if it is, verification fails.
    is_known = FAMILIES[connection.family].verified and endpoint.self_signed
    if ca.kind == "system" and known and known.ca != "system" and not is_known:
        message = f"the system does not trust the provider's CA. {_remedy(connection, context, name)}"
        return [problem("ca-private", variable, message)]
    return []


def _cause(connection: Connection, level: TlsLevel, policy: Demands) -> str:
    """Return where `level` is stated, if the text does not request it."""
    return "" if requested(connection) >= level else f", the minimum set by {policy.place('ENVCONN_TLS')},"


def _remedy(connection: Connection, context: Context, name: str) -> str:
    from envconn.tls.advice import ca_remedy

    return ca_remedy(connection, identify(connection, context.hints), context.policy, name)


def _words(connection: Connection) -> str:
    """Return what in the text decided the requested level."""
    mode, has_root = connection.parameters.get("sslmode"), "sslrootcert" in connection.parameters
    if connection.family != POSTGRESQL:
        # Other words than libpq's; for Redis and AMQP, the scheme means "disable".
        is_stated = has_root or mode not in {None, "disable"}
        if connection.family == MYSQL and not (is_stated or mode):
            return "without ssl-mode"
        return f"with {connection.scheme}://" + (" and its parameters" if is_stated else "")
    written = [f"sslmode={mode}"] if mode else []
    written += ["sslrootcert"] if has_root else []
    return f"with {' and '.join(written)}" if written else "without sslmode"
