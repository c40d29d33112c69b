"""The properties of a judged connection, and the context in which it is judged.

Functions for judged connections take a `Judged`, so that `secured`, which defines the sealed type, can import them.
"""

from __future__ import annotations

from envconn.records import Record, Value
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, Self, TypeAlias

    from envconn.connection import Connection, Host, Origin, Parameters, Secret
    from envconn.errors import Finding
    from envconn.identity import Identity
    from envconn.providers import Endpoint, ProviderHints
    from envconn.tls.ca import CA
    from envconn.tls.policy import Demands

    Contents: TypeAlias = "Mapping[str, int | None]"
    """What is in the files that decide, by keyword: a number for each content, `None` if it cannot be read."""


class Judged:
    """The properties of a judged connection. The only class derived from it is `SecuredConnection`."""

    __slots__ = ("_judgement",)

    _judgement: Judgement

    @property
    def name(self) -> str:
        """The name of the service (``database``, ``analytics``)."""
        return self._judgement.name

    @property
    def origin(self) -> Origin:
        """The place of the connection string: variable, alias chain, file and line."""
        return self._judgement.connection.origin

    @property
    def family(self) -> str:
        """The protocol: ``postgresql``."""
        return self._judgement.connection.family

    @property
    def scheme(self) -> str:
        """The URI scheme as written, or empty for a keyword/value string."""
        return self._judgement.connection.scheme

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host with its port, in order of preference."""
        return self._judgement.connection.hosts

    @property
    def host(self) -> str:
        """The name, IP address or socket directory of the first host."""
        return self.hosts[0].host

    @property
    def port(self) -> int:
        """The port of the first host."""
        return self.hosts[0].port

    @property
    def user(self) -> str:
        """The user, decoded."""
        return self._judgement.connection.user

    @property
    def password(self) -> Secret | None:
        """The password, or `None` if there is none. If a callable supplies it, `reveal` calls it."""
        if self._judgement.context.supplier is None:
            return self._judgement.connection.password
        from envconn.tls.password import Supplied

        return Supplied(self._judgement.context.supplier, self, self.name, self.origin.variable)

    @property
    def dbname(self) -> str:
        """The database name, decoded."""
        return self._judgement.connection.dbname

    @property
    def parameters(self) -> Parameters:
        """Every other parameter as written, TLS parameters included; `tls` has their effect."""
        return self._judgement.connection.parameters

    @property
    def tls(self) -> Verdict:
        """The TLS level, and why it was chosen."""
        return self._judgement.verdict

    @property
    def provider(self) -> str | None:
        """The provider's short name (``scalingo``, ``planetscale``, ``neon``), or `None` if unknown."""
        return self._judgement.endpoint.provider.name if self._judgement.endpoint.provider else None

    @property
    def pooled(self) -> bool | None:
        """Whether there is a pooler in front of the server; `None` if that is unknown."""
        return self._judgement.endpoint.pooled

    @property
    def pool_mode(self) -> str | None:
        """``transaction`` or ``session``, if pooled and known."""
        return self._judgement.endpoint.pool_mode

    @property
    def replica(self) -> bool | None:
        """Whether this is a read-only replica; `None` if that is unknown."""
        return self._judgement.endpoint.replica

    @property
    def read_only(self) -> bool:
        """Whether the endpoint is read-only: a replica, or a branch at an earlier time."""
        provider = self._judgement.endpoint.provider
        return bool(self.replica) or bool(provider and provider.read_only)

    @property
    def branch(self) -> str | None:
        """The provider's branch, if the URL names it."""
        return self._judgement.endpoint.branch

    @property
    def role(self) -> str | None:
        """The database role, without the provider's suffix."""
        return self._judgement.endpoint.role

    @property
    def region(self) -> str | None:
        """The provider's region, if the hostname contains it."""
        return self._judgement.endpoint.region

    @property
    def features(self) -> Features:
        """What the server, the pooler and the provider support, and what they require of a client."""
        endpoint, provider = self._judgement.endpoint, self._judgement.endpoint.provider
        negotiation = self.parameters.get("sslnegotiation")
        return Features(
            cloud=endpoint.cloud,
            prepared_statements=endpoint.prepared_statements,
            startup_options=endpoint.startup_options,
            idle_seconds=provider.idle_seconds if provider else None,
            lifetime_seconds=provider.lifetime_seconds if provider else None,
            suspends=bool(provider and provider.suspends),
            direct_tls=negotiation == "direct" if negotiation else bool(provider and provider.direct_tls),
            enforces_tls=provider.enforces_tls if provider else None,
        )

    @property
    def siblings(self) -> tuple[Self, ...]:
        """The other endpoints of the same database that variables name, replicas included."""
        return self._judgement.context.siblings


class Features(Value):
    """What is known of the server, pooler and provider of a connection, for code that opens and keeps connections.

    `cloud` is where the provider runs it (``aws``, ``gcp``, ``azure``), if the host names it. `prepared_statements`
    is whether a driver may prepare statements in the protocol: false behind a pooler that does not track them.
    `startup_options` is whether ``options`` and settings are supported when a connection starts. `idle_seconds` is
    the idle time after which the provider closes a connection, `lifetime_seconds` the maximum age of one. `suspends`
    is whether the server suspends when idle, so that a kept connection must be checked before use. `direct_tls` is
    whether it supports ``sslnegotiation=direct``: stated, or known for the provider. `enforces_tls` is whether the
    provider refuses connections without TLS. `None` is unknown.
    """

    cloud: str | None
    prepared_statements: bool
    startup_options: bool
    idle_seconds: int | None
    lifetime_seconds: int | None
    suspends: bool
    direct_tls: bool
    enforces_tls: bool | None


class Context(Record):
    """What a connection is judged with, kept so that a derived sibling is judged alike.

    `hints` are stated facts about the endpoint that its URL does not show. `siblings` are other
    endpoints of the same database, which variables name. `supplier` is the callable of the program
    for the password, used instead of the one in the text. `endpoint` is what ``ENVCONN_ENDPOINT`` states. `directory`
    is the one that relative paths start from, empty for that of the process. `identity` is how the service logs in
    without a password (``ENVCONN_AUTH``), and then its supplier.
    """

    policy: Demands
    hints: ProviderHints | None = None
    siblings: tuple[Any, ...] = ()
    supplier: Callable[..., str | Awaitable[str]] | None = None
    endpoint: str = ""
    directory: str = ""
    identity: Identity | None = None


_NO_FILES: Contents = {}


class Judgement(Record):
    """Everything that a `SecuredConnection` seals.

    `exempt` is whether the policy's floor does not apply: the connection is on this machine, or has a waiver.
    `demanded` names the keywords of libpq in which a variable requires more than the text. `judge` is the function that
    judged it, for endpoints derived from it. `files` is what was in the files that decide (`tls.deciding_files`); it is
    empty for a reader on another machine, whose files are not here.
    """

    name: str
    connection: Connection
    endpoint: Endpoint
    context: Context
    verdict: Verdict
    exempt: bool
    demanded: tuple[str, ...]
    judge: Callable[[Connection, Context, str], Judged | tuple[Finding, ...]]
    files: Contents = _NO_FILES


class Verdict(Value):
    """The TLS that is enforced for a connection, and why.

    `level` is what every driver is told to enforce; `requested` is the level in the text; `raised`
    is whether the policy required more. `local` is true for a unix socket or a loopback address,
    `waived` is the pattern that allows an unencrypted connection, or `None`. `ca` is the CA that the server's
    certificate is verified against, `None` below ``VERIFY_CA``; except where TLS is optional and libpq has a CA of its
    own: then it is that one, and libpq continues without TLS if the certificate fails.
    """

    level: TlsLevel
    requested: TlsLevel
    local: bool = False
    waived: str | None = None
    ca: CA | None = None
    _words: str = "without sslmode"
    """Where the text states the requested level."""
    _demanded: tuple[tuple[str, str], ...] = ()
    """The variables of libpq that require more than the text, each with its keyword."""
    _floor_from: str = "ENVCONN_TLS"
    _waived_from: str = "ENVCONN_TLS_WAIVE"
    _ca_from: str = ""
    """Where the floor, the waiver and the CA are stated."""
    _serverless: str = ""
    """Why TLS does not apply, if there is no server."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """The reasons for the level, one sentence for each step."""
        if self._serverless:
            return (self._serverless,)
        reasons = [
            (True, f"{self._words}, {_MEANINGS[self.requested]}"),
            (self.local, "every host is a unix socket or a loopback address"),
            (self.waived is not None, f"TLS is not required, because {self._waived_from} has {self.waived}"),
            (self.level > self.requested, f"raised to {self.level}, {self._raised_by}"),
            (self.ca is not None, f"{self._if_offered}the server's certificate is checked against {self._named_ca}"),
            *((True, f"{variable} demands more than the text: {name}") for variable, name in self._demanded),
            (self.level < self.requested, "TLS does not apply to a unix socket"),
        ]
        return tuple(sentence for is_so, sentence in reasons if is_so)

    @property
    def _raised_by(self) -> str:
        is_ca = self.ca is not None and self._floor_from == self._ca_from
        return (
            f"because {self._floor_from} is a CA to verify with" if is_ca else f"the minimum set by {self._floor_from}"
        )

    @property
    def _if_offered(self) -> str:
        return "libpq continues without TLS if it fails: " if self.level == TlsLevel.OPPORTUNISTIC else ""

    @property
    def _named_ca(self) -> str:
        variable = self.ca.variable if self.ca else ""
        return str(self.ca) + self._ca_from.removeprefix(variable)

    @property
    def raised(self) -> bool:
        """Whether `level` is above the requested one."""
        return self.level > self.requested


_MEANINGS = {
    TlsLevel.NONE: "TLS is not used",
    TlsLevel.OPPORTUNISTIC: "the client may fall back to an unencrypted connection",
    TlsLevel.ENCRYPTED: "TLS is required, but the server is not verified",
    TlsLevel.VERIFY_CA: "the CA is verified",
    TlsLevel.VERIFY_FULL: "the CA and the hostname are verified",
}
"""What a client does on its own with the requested level."""
