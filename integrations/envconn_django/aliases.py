"""The aliases of ``DATABASES``: each database and its replicas."""

from __future__ import annotations

import re
from functools import partial
from importlib import import_module

from envconn.errors import ConfigurationError, problem
from envconn.families import POSTGRESQL
from envconn.records import Record
from envconn.services import Services, database
from envconn.tls.secured import identity_of
from envconn_django.alias_options import StatedOptions
from envconn_django.database_entry import DatabaseSettings, fixed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from envconn.errors import Finding
    from envconn.tls import SecuredConnection
    from envconn_django.alias_options import AliasOptions

    Make = Callable[[SecuredConnection, Mapping[str, float] | None, AliasOptions], DatabaseSettings]

DUMMY: DatabaseSettings = {"ENGINE": "envconn_django.dummy", "NAME": "", "OPTIONS": {}, "TEST": {}}
"""The default database while an image is built: it raises when it is used. Settings may add to it."""

NOT_HERE = (
    "ENVCONN_PHASE: is build, and no database is configured. Unset it where the program runs, and set DATABASE_URL"
)
"""The message of that error."""


class Entry(Record):
    """The entry and the connection of an alias; `mirrors` is the alias of which it is another endpoint.

    `make` returns the entry of another endpoint under the same alias, without a pool.
    """

    connection: SecuredConnection
    settings: DatabaseSettings
    mirrors: str | None = None
    make: Callable[[SecuredConnection], DatabaseSettings] | None = None


made_entries: dict[str, list[Entry]] = {}
"""What `envconn_django.databases` has returned in this process, by alias, the newest last: to be recognised later."""


files_read: set[str] = set()
"""The absolute paths of the env files that `databases` and `caches` have looked for in this process."""

_NOTHING = StatedOptions()

last_refused: dict[str, tuple[Finding, ...]] = {}
"""The problems of the services, by name, that cannot be used and that `envconn_django.databases` does not need."""


def entries(
    databases: Mapping[str, SecuredConnection],
    pool: Mapping[str, float] | None = None,
    *,
    rotate: bool = False,
    stated: StatedOptions = _NOTHING,
) -> dict[str, Entry]:
    """Return the entries of ``DATABASES`` by alias, for `databases` by name.

    ``database`` becomes ``default``. Its replicas are ``replica``, ``replica_2`` and so on. For
    other databases the name comes first: ``analytics_replica``. Replicas share the test
    database and the ENGINE of their primary. `pool` is that of `settings`, for
    PostgreSQL only. With `rotate`, and where an identity logs in, the ENGINE of PostgreSQL's entries reads the current
    password. `stated` is what the project states in its settings.

    Raises:
        ConfigurationError: two endpoints would have the same alias, or as for `settings`.
        TypeError: a connection was not judged.
    """
    make = partial(_made, rotate=rotate)
    found: dict[str, Entry] = {}
    for name, connection in databases.items():
        own = _with_replicas(name, connection, make, pool, stated)
        if taken := sorted(own.keys() & found.keys()):
            first = found[taken[0]].connection.origin.variable
            message = f"makes a second alias {taken[0]}, next to {first}. Rename one of the two"
            raise ConfigurationError([problem("alias-duplicate", connection.origin.variable, message)])
        found |= own
    return found


def _made(
    connection: SecuredConnection, pool: Mapping[str, float] | None, options: AliasOptions, *, rotate: bool
) -> DatabaseSettings:
    """Return the entry of `connection`: one whose ENGINE asks for the password if it changes."""
    if not (rotate or identity_of(connection)):
        return fixed(connection, pool, options)
    from envconn_django.rotating import rotating

    return rotating(connection, pool, options)


def _with_replicas(
    name: str, connection: SecuredConnection, make: Make, pool: Mapping[str, float] | None, stated: StatedOptions
) -> dict[str, Entry]:
    """Return the entries of the database `name` and of its replicas, each as `make` returns it."""

    def without_pool(options: AliasOptions) -> Callable[[SecuredConnection], DatabaseSettings]:
        return lambda direct: make(direct, None, options)

    pool_options = pool if connection.family == POSTGRESQL else None
    own: dict[str, Entry] = {}
    for main, alias, other in _named(name, connection):
        options = stated.of(alias, connection.family)
        entry = make(other, pool_options, options)
        if own:
            entry |= DatabaseSettings(ENGINE=own[main].settings["ENGINE"], TEST={"MIRROR": main})
        own[alias] = Entry(other, entry, main if own else None, without_pool(options))
    return own


def followed_entries(
    source: Services | SecuredConnection, pool: Mapping[str, float] | None, *, rotate: bool, stated: StatedOptions
) -> dict[str, Entry]:
    """Return the entries of `entries` for every database of `source`; the other arguments are as there.

    Raises:
        ConfigurationError: as for `entries`.
        TypeError: `source` is neither services nor a judged connection.
    """
    others = source.databases if isinstance(source, Services) else {}
    found = entries({"database": database(source), **others}, pool, rotate=rotate, stated=stated)
    if rotate or any(identity_of(entry.connection) for entry in found.values()):
        _follow(found)
    return found


def _follow(entries: Mapping[str, Entry]) -> None:
    from envconn_django.rotating import rotates

    for alias, entry in entries.items():
        if rotates(entry.settings):
            source = entry.settings["ENVCONN"] = LoginSource(alias, entry.connection)
            if isinstance(pool_options := entry.settings["OPTIONS"].get("pool"), dict):
                pool_options["connection_class"] = source


class LoginSource:
    """The source of the logins of an alias, and the ``connection_class`` of its pool.

    It can be pickled, because ``test --parallel`` sends the settings to its processes: there it is what `databases` has
    made for the alias in that process, or the direct endpoint of that.
    """

    __slots__ = ("_alias", "_connection", "_direct")

    def __init__(self, alias: str, connection: SecuredConnection | None = None, *, direct: bool = False) -> None:
        self._alias, self._connection, self._direct = alias, connection, direct

    @property
    def connection(self) -> SecuredConnection:
        """The connection that the alias was made of; a login uses the current one in its place."""
        if self._connection:
            return self._connection
        from envconn.migration_endpoint import direct_by_itself

        made = made_entries[self._alias][-1].connection
        return (direct_by_itself(made) if self._direct else None) or made

    def connect(self, conninfo: str = "", **given: Any) -> Any:
        """Log in with the current connection, as ``psycopg.Connection.connect`` does with its arguments."""
        from envconn.rotation import login
        from envconn_django.rotating import renewed

        opened = import_module("psycopg").Connection.connect
        return login(self.connection, lambda judged: opened(conninfo, **renewed(given, judged)))

    def __repr__(self) -> str:
        return f"<LoginSource {self._alias}>"

    def __deepcopy__(self, memo: object) -> LoginSource:
        return self

    def __reduce__(self) -> tuple[Callable[[str], LoginSource], tuple[str]]:
        return partial(LoginSource, direct=self._direct), (self._alias,)


def replicas(aliases: Iterable[str]) -> list[str]:
    """Return those of `aliases` that are replicas of the default database."""
    return [alias for alias in aliases if re.fullmatch(_OF_DEFAULT, alias)]


def is_replica(alias: str) -> bool:
    """Whether `alias` is a replica, of any database."""
    return re.search(_OF_ANY, alias) is not None


def is_of_default(instance: object) -> bool:
    """Whether `instance` is an object of the default database, read from any endpoint, or not stored yet."""
    alias = getattr(getattr(instance, "_state", None), "db", None)
    return alias in {None, "default"} or bool(re.fullmatch(_OF_DEFAULT, str(alias)))


_OF_DEFAULT = r"replica(?:_[0-9]+)?"
_OF_ANY = r"(?:^|_)replica(?:_[0-9]+)?$"


class _Named(Record):
    main: str
    alias: str
    connection: SecuredConnection


def _named(name: str, connection: SecuredConnection) -> Iterator[_Named]:
    """Yield `connection` and its replicas with their aliases, itself first."""
    main, prefix = ("default", "") if name == "database" else (name, f"{name}_")
    yield _Named(main, main, connection)
    # A replica derived by the provider's rule may not exist; one that a variable names does.
    replicas = [sibling for sibling in connection.siblings if sibling.replica]
    for number, replica in enumerate(replicas, 1):
        yield _Named(main, f"{prefix}replica" if number == 1 else f"{prefix}replica_{number}", replica)
