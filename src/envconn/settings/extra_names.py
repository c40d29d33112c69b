"""Names of connections among the settings: the variable that a key stands for, and what pydantic must not see.

Sources that read a file return everything in it: pydantic would keep unknown names among its
extras, or refuse them, and the debug log of pydantic-settings prints all of it.
"""

from __future__ import annotations

import re

from pydantic import AliasChoices, AliasPath

from envconn.selection.variables import is_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from pydantic_settings import DotEnvSettingsSource

    from envconn.sources import Environment


_ARGUMENTS = "InitSettingsSource"


def conceal(
    states: Mapping[str, dict[Any, Any]], dotenv: DotEnvSettingsSource, environment: Callable[[], Environment]
) -> None:
    """Remove the connections from `states`, by source: fields, aliases, and variables that are read.

    Fields of the application, by name or alias, stay, as do the arguments of the call. `dotenv` is the
    source that removes a prefix from its names; `environment` is called only if it is needed.
    """
    claimed = {name.upper() for name in (*_claimed(dotenv), *states.get(_ARGUMENTS, ()))}
    keys = {key for state in states.values() for key in state if isinstance(key, str) and key.upper() not in claimed}
    if not keys:
        return
    ours = {*FIELDS, *FIELDS.values()}
    followed = set(_followed(environment())) if keys - ours else set()
    for key in keys:
        names = _names(key, dotenv)
        if key in ours or followed.intersection(names) or any(map(is_read, names)):
            for state in states.values():
                state.pop(key, None)


def _claimed(dotenv: DotEnvSettingsSource) -> Iterator[str]:
    for name, field in dotenv.settings_cls.model_fields.items():
        alias = field.validation_alias or name
        for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
            head = str(choice.path[0]) if isinstance(choice, AliasPath) else choice
            if head not in FIELDS.values():
                yield head


def _names(key: str, dotenv: DotEnvSettingsSource) -> set[str]:
    """Return the variables that `key` may have been: with the prefix, if the file has such a name."""
    names = {folded(key)}
    if dotenv.env_prefix and any(each in dotenv.env_vars for each in _prefixed(key, dotenv.env_prefix)):
        names.add(folded(dotenv.env_prefix + key))
    return names


def _prefixed(key: str, prefix: str) -> tuple[str, str]:
    return prefix + key, (prefix + key).lower()


def _followed(environment: Environment) -> Iterator[str]:
    """Yield the variables with other names, which aliases and ``ENVCONN_DATABASE_VARIABLE`` and the like name."""
    read = [name for name in environment.names() if is_read(name)]
    chosen = [environment.plain(name) for name in read if name.startswith("ENVCONN_")]
    for name in (*read, *chosen):
        found = environment.lookup(name.removesuffix("_FILE")).found
        for variable in (name, *found.origin.via) if found else ():
            yield variable.upper()


# No variable can have these names, so DATABASE=app or CACHE=1, which mean other things, are
# ignored: every settings source looks for something named like each field.
FIELDS = {name: f"envconn:{name}" for name in ("database", "databases", "broker", "results", "cache", "services")}
"""The name of each field of `Settings` in pydantic."""

_SEPARATORS = re.compile(r"[^A-Za-z0-9_]+")


def folded(key: str) -> str:
    """Return the variable that a secret called `key` stands for: ``analytics/database-url``, ANALYTICS_DATABASE_URL."""
    return _SEPARATORS.sub("_", key.strip("/")).upper()


def variables(keys: Iterable[object], prefix: str = "") -> dict[str, str]:
    """Return the `keys` that begin with `prefix`, by the variable that each stands for, without the prefix.

    If two stand for one variable, the one that is spelled like it is used. Hidden files are ignored:
    Kubernetes keeps older versions of a secret in them.
    """
    start = folded(prefix)
    visible = [key for key in keys if isinstance(key, str) and not f"/{key}".count("/.")]
    visible.sort(key=lambda key: (key == folded(key), key))
    names = {folded(key): key for key in visible}
    return {name.removeprefix(start): key for name, key in names.items() if name.startswith(start)}
