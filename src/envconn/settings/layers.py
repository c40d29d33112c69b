"""The texts of one source as a layer of `envconn.sources.read`: fetched when they are asked for, failures collected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic_settings import DotEnvSettingsSource, SecretsSettingsSource

from envconn.connection import Origin, Secret
from envconn.errors import Problem
from envconn.settings.held import holds, open_source
from envconn.settings.parts import Parts, detected, put_together
from envconn.sources import Text
from envconn.sources.precedence import title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_settings import PydanticBaseSettingsSource

    from envconn.settings.held import Held

__all__ = ["Layer", "is_layer", "is_read_anew", "layer"]


def is_layer(source: object) -> bool:
    """Whether connections may come from `source`."""
    return isinstance(source, Parts) or holds(source)


def is_read_anew(source: object) -> bool:
    """Whether `layer` looks at the files of `source` each time. What else there is keeps what it has found once."""
    inner = source.source if isinstance(source, Parts) else source
    return isinstance(inner, SecretsSettingsSource | DotEnvSettingsSource)


def layer(source: PydanticBaseSettingsSource) -> Layer | Problem:
    """Return what `source` holds, for which `is_layer` is true, or why its names cannot be listed."""
    inner = source.source if isinstance(source, Parts) else source
    try:
        held = open_source(inner)
    except Exception as error:  # noqa: BLE001 - whatever an SDK raises, which may quote what it got
        told = f"the names of its secrets cannot be listed ({_told(error)}); grant that permission"
        return Problem("secrets-unlisted", type(inner).__name__, told)
    return Layer(put_together(held, source.name) if isinstance(source, Parts) else detected(held))


class Layer(Mapping[str, Text | Problem]):
    """Texts by the name of a variable, each fetched when it is asked for, or what is wrong with it.

    `problems` are there from the beginning.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._known: dict[str, Text | Problem] = {}
        self.problems = held.problems

    def __getitem__(self, name: str) -> Text | Problem:
        if name not in self._known:
            self._known[name] = self._fetched(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._held.texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._held.texts)

    def __len__(self) -> int:
        return len(self._held.texts)

    def __repr__(self) -> str:
        return f"<Layer: {self._held.word}>"

    def _fetched(self, name: str) -> Text | Problem:
        try:
            value = self._held.texts[name]()
        except Exception as error:  # noqa: BLE001 - whatever an SDK raises, which may quote what it got
            return self._unavailable(name, _told(error))
        if value is None:
            return self._unavailable(name, "it is listed, and there is no text")
        if isinstance(value, Problem):
            return value._replace(variable=name)
        if isinstance(value, Text):
            return value
        return Text(Secret(_written(value)), Origin(name, self._held.word, self._held.path))

    def _unavailable(self, name: str, told: str) -> Problem:
        place = title(self._held.word)
        message = f"cannot be had from {place} ({told}); grant access to the secret, and let it be UTF-8 text"
        return Problem("secret-unavailable", name, message)


def _told(error: Exception) -> str:
    """Return what can be told of `error`: its class, and the status of the response."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return f"{type(error).__name__} {status}" if isinstance(status, int) else type(error).__name__


def _written(value: object) -> str:
    """Return `value` as a variable would hold it."""
    if type(value).__name__ == "EnvNoneType":  # pydantic-settings' mark for a text that stands for None
        return ""
    if isinstance(value, Mapping | list):
        import json

        return json.dumps(value, default=str)
    return str(value)
