"""The records: `Provider`, the facts about a hosting provider, and `Endpoint`, the facts about one connection."""

from __future__ import annotations

from types import MappingProxyType

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Certificates(Record):
    """The CA of a server's certificate.

    `sslmode` is the strongest mode that the certificates are known to pass. `ca` is ``system`` for a
    public CA, the path of the platform's own CA on its machines, or empty if a file must be
    downloaded; `remedy` says in one clause how to get it. `roots` is the directory below `envconn.providers.roots`
    that has a file with the roots of each region, named by it, empty if there is none.
    """

    sslmode: str
    ca: str
    remedy: str
    roots: str = ""


class Pooler(Record):
    """The limits of a provider's pooler.

    `prepared_statements`: whether it supports statements that a driver prepares in the protocol.
    `startup_options`: whether it accepts ``options`` at connection start; `exempt` is a pattern for
    options that are meant for the provider's proxy and always accepted.
    """

    prepared_statements: bool
    startup_options: bool = False
    exempt: str = ""


class Rewrite(Record):
    """How to derive a sibling's address: pattern and replacement for host and user, a new port.

    `address` does the same with ``user@host`` as one text, if a part of one moves into the other.
    ``options`` that name this endpoint are removed. `reachable`: from everywhere from where this one is.
    """

    host: tuple[str, str] | None = None
    user: tuple[str, str] | None = None
    address: tuple[str, str] | None = None
    port: int | None = None
    reachable: bool = True


class Forbidden(Record):
    """A combination that the provider refuses or silently redirects. `message` contains no value."""

    port: int
    target: str
    code: str
    message: str


class Gateway(Record):
    """Where a provider accepts SQL over HTTPS, and PostgreSQL's protocol in a WebSocket.

    In each address, ``{host}`` and ``{port}`` are those of the connection and ``{domain}`` is the host
    without its first label. `jwt` is the address for a JSON Web Token, empty if there is none.
    `pipelines`: a client may send the password before it is asked for one.
    """

    http: str
    websocket: str
    jwt: str = ""
    pipelines: bool = False


class Provider(Record):
    r"""One provider. Patterns are regular expressions that must match the whole name, in lower case as written.

    `hosts` may name groups: ``mode`` (translated by `modes`), ``branch``, ``region``, ``cloud``,
    ``replica`` (present: it is one). `users` may name ``role``, ``branch``, and ``target``, a suffix
    that selects a replica or pooler; `databases` may name ``branch``. If
    `strict`, user and database must match, too, because the hosts are not the provider's alone; with
    `on_ports`, the port must be one of them. Behind a `tunnel` may be any provider, so a
    variable that proves a provider has precedence.

    `ports` and `modes` translate a port, or a ``mode`` in the host, into ``direct`` or a pool mode.
    `pooled`, `pool_mode` and `replica` apply otherwise; `None` means that the URL does not show it.

    `siblings` says for ``direct``, ``pooled``, ``replica`` and ``primary`` how to derive it, or why not.

    `endpoint_option` is a pattern for ``options`` that name an ``endpoint``, which the proxy compares
    with the first label of the host. `endpoint_password` is one for passwords that do; they are sent
    as plain text inside TLS, without the exchange that channel binding needs.

    `ports_only`: it listens on the `ports` alone. `branched`: every user has a branch. A connection that contradicts
    one of these is noted.

    `tls_switch` says how TLS is turned on, if it is not by default.

    `serverless` says where SQL over HTTPS is accepted, if at all.

    `idle_seconds` is the time without traffic after which the provider closes a connection, `lifetime_seconds`
    the age that connections should stay below. `suspends`: the server itself suspends when idle.
    `read_only`: nothing can be written there, even if it is not a replica.
    `source` and `checked` say where these facts are from, and when they were read (ISO date).
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
    tls_switch: str = ""
    enforces_tls: bool | None = None
    private: bool = False
    direct_tls: bool = False
    ports_only: bool = False
    branched: bool = False
    idle_seconds: int | None = None
    lifetime_seconds: int | None = None
    suspends: bool = False
    read_only: bool = False
    notes: tuple[str, ...] = ()
    source: str = ""
    checked: str = ""
