"""What is known about one hosting provider, as data: `Provider`; and what it says of one connection: `Endpoint`."""

from __future__ import annotations

from types import MappingProxyType

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECT = "direct"
"""The word for "no pooler" in `Provider.ports`; the others are pool modes."""


class Certificates(Record):
    """What a server's certificate can be verified against.

    `sslmode` is the strongest mode the certificates are known to meet. `ca` is ``system`` for a
    public CA, the path where the platform mounts its own CA, or empty when a file has to be
    fetched; `remedy` says in one clause how to get it.
    """

    sslmode: str
    ca: str
    remedy: str


class Pooler(Record):
    """How a provider's pooler behaves.

    `prepared_statements`: whether it tracks statements that a driver prepares in the protocol.
    `startup_options`: whether it takes ``options`` at connection start; `exempt` is a pattern for
    options that are meant for the provider's proxy and always pass.
    """

    prepared_statements: bool
    startup_options: bool = False
    exempt: str = ""


class Rewrite(Record):
    """How a sibling endpoint's address is made from this one's: pattern and replacement for host and user, a new port.

    `address` does the same with ``user@host`` in one, where a part of one moves into the other.
    `drop` lists parameters that the other endpoint does not take.
    """

    host: tuple[str, str] | None = None
    user: tuple[str, str] | None = None
    address: tuple[str, str] | None = None
    port: int | None = None
    drop: tuple[str, ...] = ()


class Forbidden(Record):
    """A combination that the provider refuses or silently sends elsewhere. `message` has no value in it."""

    port: int
    target: str
    code: str
    message: str


class Gateway(Record):
    """Where a provider takes SQL over HTTPS, and PostgreSQL's protocol in a WebSocket.

    In each address, ``{host}`` and ``{port}`` stand for those of the connection and ``{domain}`` for the host
    without its first label. `jwt` is the one for whoever brings a JSON Web Token, or empty where there is none.
    `pipelines`: a client may send the password before it is asked for one.
    """

    http: str
    websocket: str
    jwt: str = ""
    pipelines: bool = False


class Provider(Record):
    r"""One provider. Patterns are regular expressions that must match a whole name, in lower case as written.

    `hosts` may name groups: ``mode`` (translated by `modes`), ``branch``, ``region``, ``cloud``,
    ``replica`` (present: it is one). `users` may name ``role``, ``branch``, and ``target``, which
    the provider appends to choose a replica or pooler; `databases` may name ``branch``. Where
    `strict`, user and database must match, too, because the hosts are also other people's; with
    `on_ports`, the port must be one of them. Behind a `tunnel` may be any provider, so that a
    variable which proves one is believed first.

    `ports` and `modes` translate a port, or a ``mode`` in the host, into ``direct`` or a pool mode.
    `pooled`, `pool_mode` and `replica` hold for the rest, `None` meaning that the URL does not tell.

    `siblings` says for ``direct``, ``pooled``, ``replica`` and ``primary`` how to get there, or why not.

    `endpoint_option` is a pattern for ``options`` that name an ``endpoint``, which the proxy compares
    with the first label of the host. `endpoint_password` is one for passwords that do, in clear
    text inside TLS and without the exchange that channel binding needs.

    `serverless` says where SQL is taken over HTTPS, if it is.

    `idle_seconds` is the silence after which the provider drops a connection, `lifetime_seconds`
    the age that connections should stay below. `suspends`: the server itself goes to sleep.
    `read_only`: nothing can be written there, replica or not.
    `source` and `checked` say where this was read, and when (ISO date).
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    families: tuple[str, ...] = ("postgresql",)
    users: str = r"(?P<role>.+)"
    databases: str = r".*"
    strict: bool = False
    on_ports: tuple[int, ...] = ()
    tunnel: bool = False
    ports: Mapping[int, str] = MappingProxyType({})
    modes: Mapping[str, str] = MappingProxyType({})
    pooled: bool | None = None
    pool_mode: str | None = None
    replica: bool | None = None
    replica_target: str | None = None
    default_roles: tuple[str, ...] = ()
    region: str = "{region}"
    regions: Mapping[str, str] = MappingProxyType({})
    cloud: str | None = None
    pooler: Pooler | None = None
    siblings: Mapping[str, Rewrite | str] = MappingProxyType({})
    forbidden: tuple[Forbidden, ...] = ()
    endpoint_option: str = ""
    endpoint_password: str = ""
    serverless: Gateway | None = None
    certificates: Certificates | None = None
    enforces_tls: bool | None = None
    private: bool = False
    direct_tls: bool = False
    idle_seconds: int | None = None
    lifetime_seconds: int | None = None
    suspends: bool = False
    read_only: bool = False
    notes: tuple[str, ...] = ()
    source: str = ""
    checked: str = ""


class Endpoint(Record):
    """What host, port, user and variable of a connection give away. `None` means: not visible.

    `prepared_statements` and `startup_options` say what a driver may use; they are true without a
    pooler, and false where a pooler's abilities are unknown. `because` has a sentence for each
    thing that was understood.
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
        """What is known of certificates that nothing vouches for; `None` where something does, or may."""
        known = self.provider.certificates if self.provider else None
        return known if known and not known.ca and not known.sslmode.startswith("verify") else None
