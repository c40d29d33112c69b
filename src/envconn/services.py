"""The public functions: `load`, `parse`, `secure`, `database`; and the mapping that `load` returns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from envconn import grammar
from envconn.assembly import DATABASE, DATABASES, Assembly, assemble
from envconn.connection import Connection, Origin, Secret
from envconn.errors import ConfigurationError, Problem
from envconn.sources import DOTENV
from envconn.tls import Context, Policy, SecuredConnection, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.report import Report
    from envconn.sources import Dotenv

__all__ = ["Services", "connections", "database", "load", "parse", "secure"]


class Services(Mapping[str, SecuredConnection]):
    """The judged connections of one process, by name. Made by `load`."""

    __slots__ = ("_assembly",)

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def __getitem__(self, name: str) -> SecuredConnection:
        return self._assembly.services[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._assembly.services)

    def __len__(self) -> int:
        return len(self._assembly.services)

    def __repr__(self) -> str:
        return f"<Services: {', '.join(self) or 'none'}>"

    @property
    def database(self) -> SecuredConnection:
        """The default database.

        Raises:
            ConfigurationError: there is none (only other services, or ``ENVCONN_PHASE=build``).
        """
        if found := self._assembly.services.get(DATABASE):
            return found
        raise ConfigurationError(
            [
                Problem(
                    "database-missing",
                    "DATABASE_URL",
                    "no default database is configured; set it, or ENVCONN_DATABASE to the variable that holds one",
                )
            ]
        )

    @property
    def databases(self) -> Mapping[str, SecuredConnection]:
        """The databases by name, without brokers and caches."""
        return MappingProxyType({name: service for name, service in self.items() if service.kind in DATABASES})

    @property
    def broker(self) -> SecuredConnection | None:
        """The message broker, or `None` when none is configured."""
        return self._other("broker")

    @property
    def cache(self) -> SecuredConnection | None:
        """The cache, or `None` when none is configured."""
        return self._other("cache")

    def _other(self, name: str) -> SecuredConnection | None:
        # CACHE_DATABASE_URL makes a database called "cache".
        found = self.get(name)
        return None if found is None or found.kind in DATABASES else found

    def connection(
        self,
        name: str = DATABASE,
        *,
        pooled: bool | None = None,
        replica: bool | None = None,
        branch: str | None = None,
    ) -> SecuredConnection:
        """Return the endpoint of service `name` that is pooled, a replica, or on a branch as asked; `None` means any.

        Raises:
            EndpointUnavailable: no variable names such an endpoint and it cannot be derived; the text says why.
            KeyError: there is no service of that name.
        """
        return self[name].endpoint(pooled=pooled, replica=replica, branch=branch)

    def report(self) -> Report:
        """Return what was found, chosen, ignored, raised and waived. It holds no secret."""
        return self._assembly.report


def load(
    environ: Mapping[str, str] | None = None, *, dotenv: Dotenv = DOTENV, policy: Policy | None = None
) -> Services:
    """Read the environment once and return what it configures, judged.

    `environ` is a mapping of variables, `os.environ` when left out. `dotenv` is the path of a file
    whose assignments count where `environ` is silent, or of several, the last of which wins, or
    `None`; the default is read only if it is there. `policy` replaces the one that ``ENVCONN_TLS`` and its like state.

    Raises:
        ConfigurationError: anything is wrong; it lists everything that is.
    """
    assembly = assemble(environ, dotenv, policy)
    # The frame of this function is a part of the traceback, and tools print its variables.
    del environ
    if assembly.report.problems:
        raise ConfigurationError(assembly.report.problems)
    return Services(assembly)


def parse(text: str, variable: str | None = None) -> Connection:
    """Read a connection string with libpq's meaning, without judging it. `variable` is what messages call it.

    Raises:
        ConfigurationError: the text has no meaning that all parsers agree on.
    """
    outcome = grammar.read(Secret(text), Origin(variable or "connection string"))
    del text
    if isinstance(outcome, Connection):
        return outcome
    raise ConfigurationError(outcome)


def secure(connection: Connection, policy: Policy | None = None) -> SecuredConnection:
    """Judge `connection` under `policy`; when left out, under the one of an empty environment.

    Raises:
        ConfigurationError: it is not secured as the policy demands, or cannot be.
    """
    outcome = judge(connection, Context(policy or Policy()), DATABASE)
    if isinstance(outcome, SecuredConnection):
        return outcome
    raise ConfigurationError(outcome)


def database(source: Services | SecuredConnection | None = None) -> SecuredConnection:
    """Return `source` if it is a connection, else the default database of `source`, or of `load()`.

    Raises:
        ConfigurationError: as for `load`.
        TypeError: `source` is anything else, such as an unjudged `Connection`.
    """
    if isinstance(source, SecuredConnection):
        return source
    if source is None or isinstance(source, Services):
        return (load() if source is None else source).database
    raise TypeError("expected Services or a SecuredConnection; envconn.secure() makes one of a Connection")


def connections(source: Services | SecuredConnection | None = None) -> tuple[SecuredConnection, ...]:
    """Return `source` if it is a connection, else every service of `source`, or of `load()`.

    Raises:
        ConfigurationError: as for `load`.
        TypeError: `source` is anything else, such as an unjudged `Connection`.
    """
    if source is None or isinstance(source, Services):
        return tuple((load() if source is None else source).values())
    return (database(source),)
