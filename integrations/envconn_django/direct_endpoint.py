"""The direct endpoint instead of the pooler while a command runs, under the same alias.

A second alias would not do: data migrations query through ``default``, while the other one holds the lock of the table.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, cast

from django.core.management.base import OutputWrapper
from django.db import connections

from envconn.errors import ConfigurationError, problem
from envconn.migration_endpoint import difference, direct_by_itself, unused
from envconn.records import Record
from envconn_django.alias_options import merged
from envconn_django.aliases import Entry, LoginSource, made_entries
from envconn_django.exceptions import stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Settings = dict[str, Any]


class UsesDirectEndpoint:
    """A mixin for Django's commands: each database that it uses is its direct endpoint, if there is one."""

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run the command. ``call_command`` begins here, too: for a test database, whose NAME is not touched."""
        aliases = [options["database"]] if options.get("database") else [*made_entries]
        command = type(self).__module__.rpartition(".")[2]
        with direct_endpoint(aliases) as used:
            lines = [_USED.format(command, ", ".join(used))] if used else []
            lines += [f"envconn: {command} {each}" for alias in aliases for each in _unused(alias)]
            if options.get("verbosity", 1):
                stream = OutputWrapper(options["stderr"]) if options.get("stderr") else self.stderr  # type: ignore[attr-defined]
                for line in lines:
                    stream.write(line, str)
            return super().execute(*args, **options)  # type: ignore[misc]


_USED = "envconn: {} uses the direct endpoint for {}. Set ENVCONN_ENDPOINT=pooled to prevent that"


def _unused(alias: str) -> Iterator[str]:
    """Yield that a variable names a direct endpoint of `alias`, if it is unknown whether there is a pooler."""
    made = _made(alias)
    if made and (found := unused(made.connection)):
        yield _UNUSED.format(found.origin.variable, alias, made.connection.origin.variable)


_UNUSED = "does not use {} for {}, because nothing states that {} is a pooler. Set ENVCONN_POOL_MODE if it is one"


@contextmanager
def direct_endpoint(aliases: Iterable[str]) -> Iterator[list[str]]:
    """Use the direct endpoint for those of `aliases` that have one to be used unasked, and return them.

    Raises:
        ImproperEnvironment: the endpoint differs from the pooler in more than its address, or the project has changed
            what decides about the server, the login or TLS.
    """
    replacements = [found for alias in aliases if (found := _replacement(alias))]
    with ExitStack() as undo:
        for each in replacements:
            undo.callback(_restore, each, _use(each))
        yield [each.alias for each in replacements]


class _Replacement(Record):
    alias: str
    entry: Entry
    settings: Settings


def _replacement(alias: str) -> _Replacement | None:
    """Return what takes the place of the entry of `alias`, if `databases` made that, and it has a direct endpoint."""
    made = _made(alias)
    other = direct_by_itself(made.connection) if made and made.make else None
    if not (made and made.make and other):
        return None
    if message := difference(made.connection, other):
        stop([problem("endpoint-differs", other.origin.variable, message)])
    current = connections[alias].settings_dict
    try:
        entry = Entry(other, {**made.make(other), "NAME": current["NAME"]})
        settings = _merged(alias, entry, _changed(made.settings, current))
    except ConfigurationError as error:
        stop(error.problems)
    return _Replacement(alias, entry, settings)


def _made(alias: str) -> Entry | None:
    """Return what `databases` made the current entry of `alias` of; `None` in a transaction, whose connection stays."""
    if alias not in made_entries or connections[alias].in_atomic_block:
        return None
    current = _place(connections[alias].settings_dict)
    return next((made for made in reversed(made_entries[alias]) if _place(made.settings) == current), None)


def _place(settings: Mapping[str, Any]) -> list[object]:
    return [settings.get(key) or "" for key in _PLACE]


_PLACE = ("HOST", "PORT", "USER", "PASSWORD")


def _changed(made: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, object]:
    """Return the OPTIONS that the project has added or changed, except a pool: a migration needs none."""
    options, before = current["OPTIONS"], made["OPTIONS"]
    names = [name for name in options if name not in before or before[name] != options[name]]
    return {name: options[name] for name in names if name != "pool"}


def _merged(alias: str, entry: Entry, options: Mapping[str, object]) -> Settings:
    made = cast("Settings", entry.settings)
    found = merged(entry.connection, made["OPTIONS"], options)
    settings = {key: made.get(key, "") for key in _PLACE} | {"OPTIONS": found}
    if "ENVCONN" in connections[alias].settings_dict:
        settings["ENVCONN"] = LoginSource(alias, entry.connection, direct=True)
    return settings


def _use(replacement: _Replacement) -> Settings:
    """Use the direct endpoint from the next connection on, and return the settings of the pooler."""
    before = _set(replacement.alias, replacement.settings)
    made_entries[replacement.alias].append(replacement.entry)
    return before


def _restore(replacement: _Replacement, settings: Settings) -> None:
    _set(replacement.alias, settings)
    made_entries[replacement.alias].remove(replacement.entry)


def _set(alias: str, settings: Settings) -> Settings:
    """Make the next connection of `alias` one with `settings`, and return what these take the place of."""
    connection = connections[alias]
    connection.close()
    getattr(connection, "close_pool", connection.close)()  # Django 5.1 has it
    before = {key: connection.settings_dict[key] for key in settings}
    connection.settings_dict.update(settings)
    return before
