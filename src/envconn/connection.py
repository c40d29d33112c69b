"""The values of a parsed connection string, without a TLS check.

A `Connection` keeps the text's own spelling, because a verdict about security
must look at what was written. Secrets are of type `Secret` from the beginning, so that no
`repr`, log record, traceback with locals, or serializer shows their text by accident.

What a `SecuredConnection` holds besides stands where it is made: `envconn.tls.CA` (of its verdict) and
`envconn.tls.judged.Features`; what `Services.reload` returns is `envconn.rotation.reload.Changes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from envconn.records import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

__all__ = ["Connection", "Host", "Origin", "Parameters", "Secret"]


class Secret:
    """A secret text, which only `reveal()` returns.

    Equal to another `Secret` of the same text, true when not empty. It cannot be pickled: a value
    that is written to disk or sent to another process is not a secret any more.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself. Hand it to a driver, never to a log."""
        return self._text

    if not TYPE_CHECKING:  # pragma: no branch

        def __getattr__(self, name: str) -> object:
            """Raise what says how to get the text: drivers that expect a `str` ask for its methods."""
            if name.startswith("_sqla"):  # SQLAlchemy's create_engine, whose own message shows a repr only
                raise TypeError("a Secret is not a text. Pass what its reveal() returns")
            raise AttributeError(f"'Secret' object has no attribute {name!r}. Pass what its reveal() returns")

    def __repr__(self) -> str:
        return "<Secret>"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled. Load the configuration again in the other process")


class Parameters(Mapping[str, str]):
    """Connection parameters by name, in the order written; `repr` shows the names only.

    Some values are secrets (``sslpassword``) and most are not; since that is not known here,
    none is shown, and none is pickled.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    if not TYPE_CHECKING:  # pragma: no branch

        def get(self, name: str, default: object = None) -> object:
            """Return the value or `default`, like `Mapping`, but without raising a KeyError for a missing name."""
            return self._values.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Parameters: {', '.join(self._values) or 'none'}>"

    def __sentry_repr__(self) -> str:
        # Sentry's SDK sends each value of a mapping among the locals of a traceback, unless there is this method.
        return repr(self)

    def __copy__(self) -> Parameters:
        return self

    def __deepcopy__(self, memo: object) -> Parameters:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("Parameters are never pickled. Load the configuration again in the other process")


class Host(Value):
    """One place to connect to.

    `host` is a DNS name, an IP literal without brackets, or a directory (it starts with ``/``) or
    abstract name (``@``) for a unix socket; empty for a file, whose path is the connection's `dbname`.
    `hostaddr` is the IP address to use instead of resolving `host`, or empty. `port` is a TCP port,
    1 to 65535, and part of the file name of a PostgreSQL socket; 0 if there is none.
    """

    host: str
    port: int
    hostaddr: str = ""

    @property
    def is_socket(self) -> bool:
        """Whether this is a unix socket, which cannot use TLS; true of a file, too, to which nothing connects."""
        return self.host.startswith(("/", "@")) or not (self.host or self.hostaddr or self.port)

    def __str__(self) -> str:
        if not self.port:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host and not self.is_socket else f"{self.host}:{self.port}"


PROGRAM_DEFAULT = "default"
"""The variable in the origin of a database that the program has named for development."""


class Origin(Value):
    """Where a text came from.

    `variable` is the name that it was looked up by. `source` is the kind of source:
    ``environment``, ``file`` (``NAME_FILE``), ``dotenv``, ``secrets`` (``ENVCONN_SECRETS_DIR``), ``credentials``
    (systemd's), ``program`` (fetched by one) or a word for the source of settings (``aws-secrets-manager``, ... in
    `envconn.sources.order`), ``app-service`` (a variable behind a prefix of Azure's); for
    bound services ``binding``, ``vcap``, ``relationship`` and ``connstr`` (Azure's, under its whole name);
    ``argument`` for a text from the program; or ``remote`` for one from a provider's
    API. A bound service's `variable` is the platform's, with a slash and its name: ``VCAP_SERVICES/orders``.
    `path` and `line` (counted from 1) point into a file or directory if there is one. `via` holds the
    variables that whole-value aliases led through, in order; the last one holds the text.
    `env_file` is whether it is in an env file, or in a place that only an env file names: such a text is less
    trusted than one of the process environment. `parts` is whether the text was put together from several variables, of
    which `variable` holds the host.
    """

    variable: str
    source: str = "argument"
    path: str | None = None
    line: int | None = None
    via: tuple[str, ...] = ()
    env_file: bool = False
    parts: bool = False

    def __str__(self) -> str:
        place = f" ({self.place})" if self.place else ""
        return " -> ".join((self.variable, *self.via)) + place

    @property
    def place(self) -> str:
        """The file and the line in it, or empty."""
        return f"{self.path}:{self.line}" if self.line else self.path or ""

    @property
    def mounted(self) -> bool:
        """Whether the text is in a file of its own, which a platform or another program replaces."""
        return self.path is not None and self.source != "dotenv"


class Connection(Value):
    """A connection as its connection string describes it, without a TLS check.

    No driver accepts this type: `envconn.secure` turns it into the one they do.

    `family` is the service's family (``postgresql``). `scheme` is the URI scheme as written,
    or empty for a keyword/value string. `dbname` and `user` are decoded text.
    `parameters` holds every other parameter under its libpq name; `foreign` those that other
    tools put into URLs and libpq does not know (``pgbouncer``, ``connection_limit``): read
    here, never passed on. `notes` says what was corrected while reading.
    """

    family: str
    scheme: str
    hosts: tuple[Host, ...]
    user: str
    dbname: str
    password: Secret | None = None
    parameters: Parameters = Parameters()
    foreign: Parameters = Parameters()
    origin: Origin = Origin("connection string")
    notes: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The name, IP address or socket directory of the first host."""
        return self.hosts[0].host

    @property
    def port(self) -> int:
        """The port of the first host."""
        return self.hosts[0].port

    @property
    def driver(self) -> str | None:
        """The driver named after a ``+`` in the scheme (``postgresql+asyncpg``), if there is one."""
        return self.scheme.partition("+")[2] or None
