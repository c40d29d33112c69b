"""The direct endpoint instead of the pooler while a command runs, under the same alias.

A second alias would not do: data migrations query through ``default``, while the other one holds the lock of the table.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, cast

from django.core.management.base import OutputWrapper
from django.db import connections

from envconn.errors import problem
from envconn.records import Record
from envconn.tls.secured import direct_by_itself
from envconn_django.aliases import Entry, LoginSource, made_entries
from envconn_django.exceptions import stop
from envconn_django.final_settings import final_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Settings = dict[str, Any]


class UsesDirectEndpoint:
    """A mixin for Django's commands: each database that it uses is its direct endpoint, if there is one."""

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run the command. ``call_command`` begins here, too: for a test database, whose NAME is not touched."""
        aliases = [options["database"]] if options.get("database") else [*made_entries]
        with direct_endpoint(aliases) as used:
            if used and options.get("verbosity", 1):
                stream = OutputWrapper(options["stderr"]) if options.get("stderr") else self.stderr  # type: ignore[attr-defined]
                stream.write(_TOLD.format(type(self).__module__.rpartition(".")[2], ", ".join(used)), str)
            return super().execute(*args, **options)  # type: ignore[misc]


_TOLD = "envconn: {} uses the direct endpoint for {}. Set ENVCONN_ENDPOINT=pooled to prevent that"


@contextmanager
def direct_endpoint(aliases: Iterable[str]) -> Iterator[list[str]]:
    """Use the direct endpoint for those of `aliases` that have one to be used unasked, and return them.

    Raises:
        ImproperEnvironment: the endpoint is one of another database, or an entry would not be secured with it.
    """
    replacements = [found for alias in aliases if (found := _replacement(alias))]
    before = [_set(each.entry, each.alias, each.settings) for each in replacements]
    try:
        yield [each.alias for each in replacements]
    finally:
        for each, settings in zip(replacements, before, strict=True):
            _set(None, each.alias, settings)
            made_entries[each.alias].remove(each.entry)


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
    if other.dbname != made.connection.dbname:
        stop([problem("endpoint-renamed", other.origin.variable, _RENAMED.format(made.connection.origin.variable))])
    current = connections[alias].settings_dict
    entry = Entry(other, {**made.make(other), "NAME": current["NAME"]})
    settings = _merged(alias, entry, _changed(made.settings, current))
    if problems := [each for final in final_entries({alias: {**current, **settings}}) for each in final.problems]:
        stop(problems)
    return _Replacement(alias, entry, settings)


_RENAMED = (
    "is another database than {}, so it is not used by itself. Set ENVCONN_ENDPOINT to direct to use it, or to pooled"
)


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
    """Return the OPTIONS that the project has added or changed."""
    options, before = current["OPTIONS"], made["OPTIONS"]
    return {name: options[name] for name in options if name not in before or before[name] != options[name]}


def _merged(alias: str, entry: Entry, options: Mapping[str, object]) -> Settings:
    made = cast("Settings", entry.settings)
    settings = {key: made.get(key, "") for key in _PLACE} | {"OPTIONS": {**made["OPTIONS"], **options}}
    if "ENVCONN" in connections[alias].settings_dict:
        settings["ENVCONN"] = LoginSource(alias, entry.connection, direct=True)
    return settings


def _set(entry: Entry | None, alias: str, settings: Settings) -> Settings:
    """Make the next connection of `alias` one with `settings`, and return what these take the place of."""
    connection = connections[alias]
    connection.close()
    getattr(connection, "close_pool", connection.close)()  # Django 5.1 has it
    before = {key: connection.settings_dict[key] for key in settings}
    connection.settings_dict.update(settings)
    if entry:
        made_entries[alias].append(entry)
    return before
