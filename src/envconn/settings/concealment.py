"""Texts of connections, taken out of what pydantic gets to see beside the fields.

Sources that read a file hand over everything in it: pydantic would keep what is no field among its
extras, or refuse it, and the debugging log of pydantic-settings prints all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices, AliasPath

from envconn.assembly.names import is_read
from envconn.settings.naming import FIELDS, folded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from pydantic_settings import DotEnvSettingsSource

    from envconn.sources import Environment

__all__ = ["conceal"]

_ARGUMENTS = "InitSettingsSource"


def conceal(
    states: Mapping[str, dict[Any, Any]], dotenv: DotEnvSettingsSource, environment: Callable[[], Environment]
) -> None:
    """Remove from `states`, by source, what is a connection's, as a field, an alias, or a variable that is read.

    What a field of the application claims by its name or alias stays, as do the arguments of the call. `dotenv` is the
    source that takes a prefix off its names; `environment` is asked for only when there is something to decide.
    """
    kept = {name.upper() for name in (*_claimed(dotenv), *states.get(_ARGUMENTS, ()))}
    keys = {key for state in states.values() for key in state if isinstance(key, str) and key.upper() not in kept}
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
    """Return the variables that `key` may have been: with the prefix, where the file has such a name."""
    names = {folded(key)}
    if dotenv.env_prefix and any(each in dotenv.env_vars for each in _prefixed(key, dotenv.env_prefix)):
        names.add(folded(dotenv.env_prefix + key))
    return names


def _prefixed(key: str, prefix: str) -> tuple[str, str]:
    return prefix + key, (prefix + key).lower()


def _followed(environment: Environment) -> Iterator[str]:
    """Yield the variables with other names, which aliases and ``ENVCONN_DATABASE`` and its like lead to."""
    read = [name for name in environment.names() if is_read(name)]
    chosen = [environment.plain(name) for name in read if name.startswith("ENVCONN_")]
    for name in (*read, *chosen):
        found = environment.lookup(name.removesuffix("_FILE")).found
        for variable in (name, *found.origin.via) if found else ():
            yield variable.upper()
