"""Recognise the provider of a connection, and what its host, port, user name and variable say about the endpoint.

Recognition is a dictionary look-up and then one or two patterns, so its cost does
not grow with the number of records. Names are compared as written: providers use lower-case
hosts without a trailing dot, and a host in another spelling is no evidence.
"""

from __future__ import annotations

import os
import re
from functools import cache

from envconn.errors import Finding, note, problem
from envconn.families import POSTGRESQL, REDIS, SENTINEL
from envconn.grammar.libpq_keywords import SCHEMAS
from envconn.providers import table
from envconn.providers.table import registered
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envconn.connection import Connection, Host
    from envconn.providers.record import Certificates, Provider

ROOTS = os.path.join(os.path.dirname(__file__), "roots")
"""The directory with the roots that are shipped, which CONTRIBUTING.md says how to compare with their publisher's."""

DIRECT = "direct"
"""The value for "no pooler" in `Provider.ports`; the others are pool modes."""

POOLERS = {"transaction": "transaction", "session": "session", "none": DIRECT}
"""The values of ``ENVCONN_POOL_MODE``, and what they mean in a record."""


class Endpoint(Record):
    """What host, port, user and variable of a connection show. `None` means: not known.

    `prepared_statements` and `startup_options` say what a driver may use; they are true without a
    pooler, and false if a pooler's limits are unknown. `because` has a sentence for each
    conclusion.
    """

    provider: Provider | None = None
    pooled: bool | None = None
    pool_mode: str | None = None
    replica: bool | None = None
    branch: str | None = None
    role: str | None = None
    region: str | None = None
    cloud: str | None = None
    prepared_statements: bool = True
    startup_options: bool = True
    because: tuple[str, ...] = ()

    @property
    def self_signed(self) -> Certificates | None:
        """The facts about certificates of an unknown CA; `None` if the CA is, or may be, known."""
        known = self.provider.certificates if self.provider else None
        return known if known and not known.ca and not known.sslmode.startswith("verify") else None

    @property
    def ca(self) -> str | None:
        """The CA that is at hand: ``system``, or a file on this machine or of envconn's own; otherwise `None`."""
        known = self.provider.certificates if self.provider else None
        if known is None or known.ca == "system":
            return known and known.ca
        path = os.path.join(ROOTS, known.roots, f"{self.region}.pem") if known.roots else known.ca
        return path if os.path.isfile(path) else None


class ProviderHints(Record):
    """Stated facts that a URL does not show: ``ENVCONN_PROVIDER`` (a record's name) and ``ENVCONN_POOL_MODE``.

    `provider_from` and `pooler_from` say where they are stated.
    """

    provider: str | None = None
    pooler: str | None = None
    provider_from: str = "ENVCONN_PROVIDER"
    pooler_from: str = "ENVCONN_POOL_MODE"


_NO_HINTS = ProviderHints()


def identify(connection: Connection, hints: ProviderHints | None = None) -> Endpoint:
    """Return what `connection` and the stated `hints` show. With several hosts, the first one is used."""
    hints = hints or _NO_HINTS
    provider, seen, whose = _recognise(connection, hints)
    kind, reason = _kind(connection, hints, provider, seen)
    who = _named_by_user(connection, provider)
    known = {**seen, **{name: value for name, value in who.items() if value}}
    pooled = None if kind is None else kind != DIRECT
    return Endpoint(
        provider=provider,
        pooled=pooled,
        pool_mode=kind if pooled else None,
        replica=_replica(connection, provider, known, pooled=bool(pooled)),
        branch=known.get("branch"),
        role=(who.get("role") or connection.user or None) if connection.family == POSTGRESQL else None,
        region=_region(provider, known),
        cloud=known.get("cloud") or (provider.cloud if provider else None),
        prepared_statements=_prepared(provider, kind),
        startup_options=not pooled or bool(provider and provider.pooler and provider.pooler.startup_options),
        because=(*whose, *([reason] if reason else [])),
    )


def is_recognised(connection: Connection, name: str) -> bool:
    """Whether the host, and whatever else a record requires, belongs to the provider of that `name`."""
    candidates = (each for each in _candidates(connection.hosts[0].host) if each.name == name)
    return any(_match(provider, connection) is not None for provider in candidates)


def objections(connection: Connection, endpoint: Endpoint) -> tuple[Finding, ...]:
    """Yield what the endpoint would refuse, or silently do differently."""
    variable, provider = connection.origin.variable, endpoint.provider
    target = (_named_by_user(connection, provider).get("target") or "") if provider else ""
    found = [
        problem(rule.code, variable, rule.message)
        for rule in (provider.forbidden if provider else ())
        if rule.port == connection.hosts[0].port and rule.target == target
    ]
    problems = [
        (
            "options-pooled",
            _options(connection),
            not endpoint.startup_options and _refused_options(connection, provider),
        ),
        ("endpoint-inconsistent", _INCONSISTENT, _inconsistent(connection, provider)),
        ("channel-binding-password", _BINDING, _password_defeats_binding(connection, provider)),
    ]
    return (*found, *(problem(code, variable, message) for code, message, is_so in problems if is_so))


def advice(connection: Connection, endpoint: Endpoint) -> tuple[Finding, ...]:
    """Yield notes about the endpoint."""
    provider = endpoint.provider
    notes = [note("pooler-likely", connection.origin.variable, _LIKELY)] if looks_pooled(connection, endpoint) else []
    if provider is None:
        return tuple(notes)
    notes += [note("provider-note", connection.origin.variable, text) for text in provider.notes]
    if endpoint.role in provider.default_roles:
        notes.append(note("default-role", connection.origin.variable, _DEFAULT_ROLE))
    notes += [note("endpoint-doubtful", connection.origin.variable, text) for text in _doubts(connection, endpoint)]
    return tuple(notes)


def looks_pooled(connection: Connection, endpoint: Endpoint) -> bool:
    """Whether a pooler is usual at that host or port, and nothing states if there is one."""
    return endpoint.pooled is None and connection.family == POSTGRESQL and any(map(_looks_pooled, connection.hosts))


def named_endpoint(parameters: Mapping[str, str], provider: Provider | None) -> str:
    """Return the endpoint that ``options`` names to the proxy of `provider`, and nothing else; otherwise nothing."""
    pattern = provider.endpoint_option if provider else ""
    match = compiled(pattern).fullmatch(parameters.get("options", "")) if pattern else None
    return match["endpoint"] if match else ""


def _doubts(connection: Connection, endpoint: Endpoint) -> Iterator[str]:
    provider = endpoint.provider
    if provider is None or connection.family != POSTGRESQL:
        return
    target = _named_by_user(connection, provider).get("target")
    if provider.ports_only and connection.hosts[0].port not in provider.ports:
        yield f"{provider.title} does not use this port. Use {' or '.join(map(str, provider.ports))}"
    if provider.branched and not endpoint.branch:
        yield f"the user has no branch, which {provider.title} requires. Copy the user from its console"
    if target and target != provider.replica_target and endpoint.pooled is False:
        yield "the user names a pooler, but the port is the direct one. Use the pooler's port, or remove the name"


def _looks_pooled(host: Host) -> bool:
    """Whether a pooler is usual there: PgBouncer's own port, Supabase's port, or a typical hostname."""
    return host.port in {6432, 6543} or _is_named_like_a_pooler(host.host)


def _is_named_like_a_pooler(host: str) -> bool:
    return not _POOLERS.isdisjoint(host.replace("-", ".").split("."))


_POOLERS = frozenset({"pooler", "pgbouncer", "pgpool"})
_LIKELY = "may be a pooler, by its host or port. Set ENVCONN_POOL_MODE to transaction, session or none"
_OPTIONS = "the pooler does not support options. Run ALTER ROLE ... SET instead, or use the direct endpoint"
_SCHEMA = (
    "the pooler does not support options, which {} needs. Remove it and run ALTER ROLE ... SET search_path instead, or "
    "use the direct endpoint"
)
_INCONSISTENT = "options and host name different endpoints. Remove options: the hostname is enough"
_BINDING = (
    "the password has an endpoint in front, which does not work with channel_binding=require. Write the password only"
)
_DEFAULT_ROLE = "uses the provider's default role, which has nearly every permission. Create a role for the application"


def _options(connection: Connection) -> str:
    schema = next((name for name in SCHEMAS if name in connection.foreign), None)
    return _SCHEMA.format(schema) if schema else _OPTIONS


def _recognise(
    connection: Connection, hints: ProviderHints
) -> tuple[Provider | None, dict[str, str | None], tuple[str, ...]]:
    """Return whose it is, what the host gives away, and how that is known. A host comes before what was stated."""
    stated = hints.provider
    name = stated or table.by_variable((connection.origin.variable, *connection.origin.via))
    candidates = _candidates(connection.hosts[0].host)
    for provider in sorted(candidates, key=lambda each: each.name != stated) if stated else candidates:
        if not (provider.tunnel and name) and (match := _match(provider, connection)) is not None:
            because = f"recognised as {provider.title}"
            ignored = f"{hints.provider_from} does not apply, because the host is another provider's"
            return provider, match, (because,) if stated in {None, provider.name} else (because, ignored)
    password = connection.password.reveal() if connection.password and not name else ""
    name = name or table.by_password(password, connection.family)
    found = table.provider_named(name, _record_family(connection)) if name else None
    if found is None:
        return None, {}, ()
    return found, {}, (f"{hints.provider_from} states {found.title}" if stated else f"recognised as {found.title}",)


def _record_family(connection: Connection) -> str:
    """Return the kind of record to look for: sentinels are in front of a Redis, and share its provider."""
    return REDIS if connection.family == SENTINEL else connection.family


def _candidates(host: str) -> Iterator[Provider]:
    for key in _keys(host):
        yield from table.records_under(key)
    yield from registered()


def _keys(host: str) -> Iterator[str]:
    """Yield the keys under which a record for `host` can be found, the longest first; there are only a few."""
    if host.startswith("/"):
        yield "/" + host.split("/", 2)[1]
        return
    labels = host.rsplit(".", 4)
    for length in (4, 3, 2, 1):
        if len(labels) >= length:
            yield ".".join(labels[-length:])
    if len(labels) == 1:
        yield host.partition("-")[0] + "-"


def _match(provider: Provider, connection: Connection) -> dict[str, str | None] | None:
    if _record_family(connection) not in provider.families:
        return None
    if provider.on_ports and connection.hosts[0].port not in provider.on_ports:
        return None
    if provider.strict and not (
        compiled(provider.users).fullmatch(connection.user)
        and compiled(provider.databases).fullmatch(connection.dbname)
    ):
        return None
    for pattern in provider.hosts:
        if match := compiled(pattern).fullmatch(connection.hosts[0].host):
            return match.groupdict()
    return None


def _named_by_user(connection: Connection, provider: Provider | None) -> dict[str, str | None]:
    """Return what user and database name show: role, branch, target."""
    if provider is None or connection.family != POSTGRESQL:
        return {}
    user = compiled(provider.users).fullmatch(connection.user)
    database = compiled(provider.databases).fullmatch(connection.dbname)
    return {**(database.groupdict() if database else {}), **(user.groupdict() if user else {})}


def _kind(
    connection: Connection, hints: ProviderHints, provider: Provider | None, seen: dict[str, str | None]
) -> tuple[str | None, str | None]:
    """Return ``direct``, a pool mode, or `None`, and the evidence: the hint first, then host, port, variable."""
    # If the variable is for the direct endpoint, the stated pooler is another endpoint.
    if hints.pooler and table.role(connection.origin.variable) != "direct":
        return POOLERS[hints.pooler], f"{hints.pooler_from} states the pool mode: {hints.pooler}"
    if connection.foreign.get("pgbouncer", "").lower() == "true":
        return "transaction", "pgbouncer=true means a pooler in transaction mode"
    if provider and (mode := provider.modes.get(seen.get("mode") or "")):
        return mode, "the hostname shows whether there is a pooler"
    if provider and (mode := provider.ports.get(connection.hosts[0].port)):
        return mode, "the port shows whether there is a pooler"
    return _kind_by_role(connection, provider)


def _kind_by_role(connection: Connection, provider: Provider | None) -> tuple[str | None, str | None]:
    role = table.role(connection.origin.variable)
    if role in {"pooled", "direct"}:
        pooled = (provider.pool_mode if provider else None) or "transaction"
        return pooled if role == "pooled" else DIRECT, f"{connection.origin.variable} names the {role} endpoint"
    if provider is None or provider.pooled is None:
        return None, None
    return (provider.pool_mode if provider.pooled else DIRECT), None


def _replica(
    connection: Connection, provider: Provider | None, known: dict[str, str | None], *, pooled: bool
) -> bool | None:
    if known.get("replica") or table.role(connection.origin.variable) == "replica":
        return True
    if provider and known.get("target"):
        return True if known["target"] == provider.replica_target and not pooled else None
    return provider.replica if provider else None


def _region(provider: Provider | None, known: dict[str, str | None]) -> str | None:
    if provider is None or not known.get("region"):
        return None
    region = provider.region.format_map(known)
    return provider.regions.get(region, region)


def _prepared(provider: Provider | None, kind: str | None) -> bool:
    # With an unknown pooler, nothing is used that a pooler might not support.
    return kind != "transaction" or bool(provider and provider.pooler and provider.pooler.prepared_statements)


def _inconsistent(connection: Connection, provider: Provider | None) -> bool:
    named = named_endpoint(connection.parameters, provider)
    return bool(named) and named != connection.hosts[0].host.partition(".")[0]


def _password_defeats_binding(connection: Connection, provider: Provider | None) -> bool:
    if not (provider and provider.endpoint_password and connection.password):
        return False
    if connection.parameters.get("channel_binding") != "require":
        return False
    return compiled(provider.endpoint_password).fullmatch(connection.password.reveal()) is not None


def _refused_options(connection: Connection, provider: Provider | None) -> bool:
    options = connection.parameters.get("options")
    exempt = provider.pooler.exempt if provider and provider.pooler else ""
    return bool(options) and not (exempt and compiled(exempt).fullmatch(options or ""))


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile `pattern` when it is first needed: most processes have one provider of thirty.

    Its classes are limited to ASCII: no provider has a host with digits of another script.
    """
    return re.compile(pattern, re.ASCII)
