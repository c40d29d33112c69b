"""What a project states in its settings for the entries of ``DATABASES``, in Django's words."""

from __future__ import annotations

from collections.abc import Mapping

from envconn.drivers import allowed_options, psycopg
from envconn.drivers.unsupported import refuse
from envconn.errors import ConfigurationError, problem
from envconn.families import MYSQL, POSTGRESQL, SQLITE
from envconn.grammar.libpq_keywords import KEYWORDS
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from envconn.errors import Finding
    from envconn.tls import SecuredConnection


class AliasOptions(Record):
    """The arguments of `envconn_django.databases` for one alias. What the connection string states has precedence.

    `conn_max_age` is in seconds, 0 for no kept connections, `None` for no limit but the provider's. `None` for a bool
    means that it follows from the connection. An empty `engine` is that of the family.
    """

    engine: str = ""
    conn_max_age: int | None = 0
    conn_health_checks: bool | None = None
    disable_server_side_cursors: bool | None = None
    atomic_requests: bool | None = None
    options: Mapping[str, object] = {}
    test: Mapping[str, object] = {}


NOTHING = AliasOptions()


class StatedOptions(Record):
    """What is stated for every alias, and, by alias, what is stated for one instead."""

    general: AliasOptions = NOTHING
    aliases: Mapping[str, Mapping[str, Any]] = {}

    @property
    def has_engine(self) -> bool:
        """Whether an engine is stated for any alias."""
        return any((self.general.engine, *(own.get("engine") for own in self.aliases.values())))

    def of(self, alias: str, family: str) -> AliasOptions:
        """Return what is stated for `alias`. Engine and OPTIONS of every alias are those of servers, not of SQLite."""
        own = self.aliases.get(alias, {})
        general = self.general._replace(engine="", options={}) if family == SQLITE else self.general
        return general._replace(**own)


def stated(given: Mapping[str, Any], aliases: Mapping[str, Mapping[str, Any]]) -> StatedOptions:
    """Return the `given` arguments for every alias, and those of `aliases`, checked.

    Raises:
        TypeError: a value has another type than Django's documentation says, or a word is unknown.
    """
    _check(given, "")
    if not (_are_mappings(aliases) and _are_mappings(*aliases.values())):
        raise TypeError("aliases must be a mapping of aliases to mappings of arguments by name")
    for alias, own in aliases.items():
        _check(own, f"aliases[{alias!r}]")
    return StatedOptions(AliasOptions(**given), aliases)


def _are_mappings(*values: object) -> bool:
    return all(isinstance(each, Mapping) for each in values)


def _check(given: Mapping[str, object], place: str) -> None:
    for name, value in given.items():
        if name not in _EXPECTED:
            raise TypeError(f"{place} has an unknown argument. Use one of {', '.join(_EXPECTED)}")
        kind, expected = _EXPECTED[name]
        if not isinstance(value, kind) or (name == "conn_max_age" and _is_no_age(value)):
            raise TypeError(f"{name} must be {expected}")


def _is_no_age(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, int) and value < 0)


_FLAG = (bool | None, "True, False or None")
_EXPECTED = {
    "engine": (str, "the path of a backend, such as django.contrib.gis.db.backends.postgis"),
    "conn_max_age": (int | None, "a whole number of seconds, or None"),
    "conn_health_checks": _FLAG,
    "disable_server_side_cursors": _FLAG,
    "atomic_requests": _FLAG,
    "options": (Mapping, "a mapping, as OPTIONS in Django's documentation"),
    "test": (Mapping, "a mapping, as TEST in Django's documentation"),
}


def merged(
    connection: SecuredConnection, made: Mapping[str, object], options: Mapping[str, object]
) -> dict[str, object]:
    """Return the OPTIONS that were `made` for `connection`, with the project's `options` that it does not state.

    Raises:
        ConfigurationError: one of `options` could weaken or redirect the connection, or cannot work behind its pooler.
    """
    own = _OWN[connection.family]
    if connection.family == SQLITE:
        for name in _OF_SQLITE & options.keys():
            refuse(connection, f"OPTIONS {name} cannot be set in the program. Set it in the environment", _REFUSED)
    else:
        if "pool" in options:
            refuse(connection, "OPTIONS pool is set by the argument pool. Use databases(pool=True)", _REFUSED)
        driver = "psycopg" if connection.family == POSTGRESQL else "mysqldb"
        allowed_options.permit(connection, driver, options.keys() - own, "OPTIONS ")
    return {**made, **{name: value for name, value in options.items() if name not in connection.parameters}}


def refuse_unused(aliases: Collection[str], pool: Mapping[str, object] | None, stated: StatedOptions) -> None:
    """Refuse what is stated and decides where no entry of `aliases` uses it: they are those of this environment.

    Raises:
        ConfigurationError: an option could weaken or redirect a connection in another environment, or an alias is
            nearly one of `aliases`.
    """
    if problems := [*_of_pool(pool or {}), *_of_options("options", stated.general.options), *_of(stated, aliases)]:
        raise ConfigurationError(problems)


def _of_pool(pool: Mapping[str, object]) -> Iterator[Finding]:
    for name in sorted(psycopg.OF_POOL & pool.keys()):
        yield problem(_REFUSED, "pool", f"{name} would open connections without a TLS check. Remove it")


def _of_options(place: str, options: Mapping[str, object]) -> Iterator[Finding]:
    for name in sorted(name for name in options if name in _DECIDING or name.startswith(("ssl", "read_default"))):
        yield problem(_REFUSED, place, f"OPTIONS {name} cannot be set in the program. Set it in the environment")


def _of(stated: StatedOptions, aliases: Collection[str]) -> Iterator[Finding]:
    for alias, own in stated.aliases.items():
        place = f"aliases[{alias!r}]"
        yield from _of_options(place, own.get("options", {}))
        if alias not in aliases and (meant := _meant(alias, aliases)):
            yield problem(_REFUSED, place, f"there is no such alias. Rename it to {meant}")


def _meant(alias: str, aliases: Collection[str]) -> str:
    """Return the one of `aliases` that `alias` is misspelt for; replicas and shards differ by a number."""
    from difflib import get_close_matches

    found = get_close_matches(alias, aliases, 1, 0.85)
    return found[0] if found and alias.rstrip(_NUMBER) != found[0].rstrip(_NUMBER) else ""


_NUMBER = "_0123456789"
_DECIDING = frozenset(
    {
        *(name for name, keyword in KEYWORDS.items() if keyword.decides in {"where", "who", "tls", "auth"}),
        *("conninfo", "connection_factory", "database", "db", "dsn", "passwd", "unix_socket"),
    }
)
_REFUSED = "argument-refused"
_OF_SQLITE = frozenset({"database", "factory", "uri"})
_OWN: Mapping[str, frozenset[str]] = {
    POSTGRESQL: frozenset({"assume_role", "isolation_level", "server_side_binding"}),
    MYSQL: frozenset({"init_command", "isolation_level"}),
    SQLITE: frozenset(),
}
"""The options that Django has itself, or that are about statements (Databases, in Django's documentation)."""
