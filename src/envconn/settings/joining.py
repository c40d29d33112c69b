"""How the connections get to know the sources that an application adds in `settings_customise_sources`."""

from __future__ import annotations

from inspect import getattr_static
from typing import TYPE_CHECKING

from envconn.settings.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

    _Sources = tuple[PydanticBaseSettingsSource, ...]

__all__ = ["join", "joined"]

_METHOD = "settings_customise_sources"


def join(settings_cls: type[BaseSettings]) -> None:
    """Have the sources of `settings_cls` joined, whether it overrides the method itself or inherits it from a mixin."""
    found = getattr_static(settings_cls, _METHOD)
    if not isinstance(found, _Joining):
        setattr(settings_cls, _METHOD, _Joining(found))


def joined(sources: _Sources) -> _Sources:
    """Return `sources` with the connections behind the last one that they read, and every one of those known to them.

    Their place decides nothing, for no other source fills these fields. But some sources read only when they are
    called, and those that read nothing of the kind may look at the connections.
    """
    ours = next((source for source in sources if isinstance(source, Connections)), None)
    if ours is None:
        return sources
    others = [source for source in sources if source is not ours]
    ours.others = [source for source in others if ours.reads(source)]
    last = max((at for at, source in enumerate(others) if ours.reads(source)), default=0)
    place = max(last + 1, sources.index(ours))
    return (*others[:place], ours, *others[place:])


class _Joining:
    """A method of the class in whose place it stands, with what it returns joined."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def __get__(self, instance: object, owner: type) -> Callable[..., _Sources]:
        method = self._method.__get__(instance, owner)
        return lambda *args, **kwargs: joined(method(*args, **kwargs))
