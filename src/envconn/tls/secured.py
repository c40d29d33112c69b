"""The sealed type: a connection that was judged.

Integrations accept nothing else. Only `envconn.tls` can make one; making one by any other way is a
`TypeError`, and so is copying the seal into a subclass or a pickle.
"""

from __future__ import annotations

from envconn.errors import EndpointUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

    from envconn.connection import Host, Origin, Parameters, Secret
    from envconn.errors import Finding
    from envconn.tls.serverless import Serverless
    from envconn.tls.verdict import Judgement, Verdict

__all__ = ["SecuredConnection", "judgement_of", "require_sealed", "seal"]

_SEAL: Final = object()


class SecuredConnection:
    """A connection that was judged; the only type that drivers and integrations accept.

    Made by `envconn.load` and `envconn.secure`. Immutable; equality is identity.

    Raises:
        TypeError: constructed, subclassed, changed or pickled by anybody else.
    """

    __slots__ = ("_judgement", "_seal")

    _judgement: Judgement
    _seal: object

    def __init__(self, judgement: Judgement, *, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a SecuredConnection comes from envconn.load() or envconn.secure(), which judge it")
        object.__setattr__(self, "_judgement", judgement)
        object.__setattr__(self, "_seal", seal)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("SecuredConnection cannot be subclassed: its seal would mean nothing")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("a SecuredConnection cannot be changed after it was judged")

    def __delattr__(self, name: str) -> NoReturn:
        raise TypeError("a SecuredConnection cannot be changed after it was judged")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecuredConnection is not pickled; call envconn.load() in the other process")

    def __copy__(self) -> SecuredConnection:
        return self

    def __deepcopy__(self, memo: object) -> SecuredConnection:
        return self

    def __repr__(self) -> str:
        return (
            f"<SecuredConnection {self.name}: {self.family} on {', '.join(map(str, self.hosts))}, TLS {self.tls.level}>"
        )

    @property
    def name(self) -> str:
        """The name it is known by in its `Services` (``database``, ``analytics``)."""
        return self._judgement.name

    @property
    def variable(self) -> str:
        """The environment variable it was read from."""
        return self._judgement.connection.origin.variable

    @property
    def origin(self) -> Origin:
        """Where its text stood: variable, alias chain, file and line."""
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
        """The user name, decoded."""
        return self._judgement.connection.user

    @property
    def password(self) -> Secret | None:
        """The password, or `None` where there is none. One that a callable supplies is called for by `reveal`."""
        if self._judgement.context.supplier is None:
            return self._judgement.connection.password
        from envconn.tls.password import Supplied

        return Supplied(self._judgement.context.supplier, self)

    @property
    def dbname(self) -> str:
        """The database name, decoded."""
        return self._judgement.connection.dbname

    @property
    def parameters(self) -> Parameters:
        """Every other parameter as written, TLS ones included; `tls` says what became of those."""
        return self._judgement.connection.parameters

    @property
    def foreign(self) -> Parameters:
        """Parameters of other tools (``pgbouncer``, ``connection_limit``) that no driver is shown."""
        return self._judgement.connection.foreign

    @property
    def tls(self) -> Verdict:
        """The verdict."""
        return self._judgement.verdict

    @property
    def provider(self) -> str | None:
        """The provider's short name (``scalingo``, ``planetscale``, ``neon``), or `None` if unknown."""
        return self._judgement.endpoint.provider.name if self._judgement.endpoint.provider else None

    @property
    def pooled(self) -> bool | None:
        """Whether a pooler stands in front of the server; `None` when that is not visible."""
        return self._judgement.endpoint.pooled

    @property
    def pool_mode(self) -> str | None:
        """``transaction`` or ``session`` where pooled and known."""
        return self._judgement.endpoint.pool_mode

    @property
    def replica(self) -> bool | None:
        """Whether this is a read-only replica; `None` when that is not visible."""
        return self._judgement.endpoint.replica

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written there: a replica, or the past of a branch."""
        provider = self._judgement.endpoint.provider
        return bool(self.replica) or bool(provider and provider.read_only)

    @property
    def branch(self) -> str | None:
        """The provider's branch, where the URL names it."""
        return self._judgement.endpoint.branch

    @property
    def role(self) -> str | None:
        """The database role without what the provider appends to it."""
        return self._judgement.endpoint.role

    @property
    def region(self) -> str | None:
        """The provider's region, where the host names it."""
        return self._judgement.endpoint.region

    @property
    def cloud(self) -> str | None:
        """The cloud that the provider runs it in (``aws``, ``gcp``, ``azure``), where the host names it."""
        return self._judgement.endpoint.cloud

    @property
    def prepared_statements(self) -> bool:
        """Whether a driver may prepare statements in the protocol; false behind a pooler that does not track them."""
        return self._judgement.endpoint.prepared_statements

    @property
    def startup_options(self) -> bool:
        """Whether the other side takes ``options`` and settings at connection start."""
        return self._judgement.endpoint.startup_options

    @property
    def idle_seconds(self) -> int | None:
        """The silence in seconds after which the provider drops a connection, or `None` if unknown."""
        return self._judgement.endpoint.provider.idle_seconds if self._judgement.endpoint.provider else None

    @property
    def lifetime_seconds(self) -> int | None:
        """The age in seconds that a kept connection should stay below, or `None` if unknown."""
        return self._judgement.endpoint.provider.lifetime_seconds if self._judgement.endpoint.provider else None

    @property
    def suspends(self) -> bool:
        """Whether the server goes to sleep when idle, so that a kept connection wants a check before use."""
        return bool(self._judgement.endpoint.provider and self._judgement.endpoint.provider.suspends)

    @property
    def direct_tls(self) -> bool:
        """Whether TLS may start without asking first (``sslnegotiation=direct``): stated, or known of the provider."""
        stated = self.parameters.get("sslnegotiation")
        return (
            stated == "direct"
            if stated
            else bool(self._judgement.endpoint.provider and self._judgement.endpoint.provider.direct_tls)
        )

    @property
    def enforces_tls(self) -> bool | None:
        """Whether the provider promises to deny clear text; `None` where its record does not say."""
        return self._judgement.endpoint.provider.enforces_tls if self._judgement.endpoint.provider else None

    @property
    def understood(self) -> tuple[str, ...]:
        """What host, port, user and variable gave away, a sentence each."""
        return self._judgement.endpoint.because

    @property
    def siblings(self) -> tuple[SecuredConnection, ...]:
        """The other endpoints of the same database that variables name, replicas included, each judged."""
        return self._judgement.context.siblings

    @property
    def advice(self) -> tuple[Finding, ...]:
        """What could be had and is not, and what the provider says of this endpoint."""
        from envconn.tls.endpoints import advice

        return advice(self._judgement)

    def endpoint(
        self, *, pooled: bool | None = None, replica: bool | None = None, branch: str | None = None
    ) -> SecuredConnection:
        """Return the endpoint of the same database that is pooled, a replica, or on a branch as asked.

        `None` means any, and of `replica` that of this one. It is this one if it fits, else one that a
        variable names, else one that the provider's rule derives, which is judged again. What is not
        visible counts as neither pooled nor a replica, after what is known to be neither.

        Raises:
            EndpointUnavailable: there is none; the text says why, and where to get it.
        """
        from envconn.tls.endpoints import find

        found = find(self, self._judgement, pooled=pooled, replica=replica, branch=branch)
        if isinstance(found, SecuredConnection):
            return found
        raise EndpointUnavailable(found)

    def serverless(self, *, jwt: Secret | None = None) -> Serverless:
        """Return where the provider takes SQL over HTTPS and in a WebSocket, and what to send along.

        `jwt` is a JSON Web Token for a provider that takes one in place of the password.

        Raises:
            EndpointUnavailable: the provider has no such address; the text says why.
        """
        from envconn.tls.serverless import Serverless, find

        found = find(self, self._judgement, jwt)
        if isinstance(found, Serverless):
            return found
        raise EndpointUnavailable(found)

    def uri(self) -> str:
        """Return the connection URI with what was judged, password included. Hand it to a program, never to a log."""
        from envconn.tls.uri_writer import uri

        return uri(self)


def seal(judgement: Judgement) -> SecuredConnection:
    """Make the sealed value. For `envconn.tls.judge` alone."""
    return SecuredConnection(judgement, seal=_SEAL)


def judgement_of(connection: SecuredConnection) -> Judgement:
    """Return what `connection` seals. For `envconn.tls` alone."""
    require_sealed(connection)
    return connection._judgement  # noqa: SLF001 - the other half of `seal`


def require_sealed(value: object) -> None:
    """Refuse anything but a genuine `SecuredConnection`, also one that was made behind the constructor's back."""
    if not isinstance(value, SecuredConnection) or getattr(value, "_seal", None) is not _SEAL:
        raise TypeError("expected the SecuredConnection that envconn.load() or envconn.secure() returns")
