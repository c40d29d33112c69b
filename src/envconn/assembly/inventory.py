"""The places where connection strings may stand, in the order of belief, and what was found in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envconn import sources
from envconn.assembly import bound
from envconn.assembly.names import CHOOSERS, is_read
from envconn.assembly.reading import Reading
from envconn.sources import DOTENV
from envconn.sources.app_service import plain_name
from envconn.sources.precedence import SOURCES, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envconn.sources import Dotenv, Environment
    from envconn.sources.environment import Layer

__all__ = ["Place", "inventory"]


class Place(NamedTuple):
    """One source; whether it is there at all; and the variables and bound services that were found in it."""

    source: Source
    is_there: bool
    names: tuple[str, ...]


def inventory(
    environ: Mapping[str, str] | None = None, dotenv: Dotenv = DOTENV, layers: Sequence[Layer] = ()
) -> tuple[Place, ...]:
    """Look through all sources. Arguments are those of `envconn.sources.read`."""
    environment, _ = sources.read(environ, dotenv, layers)
    found: dict[str, list[str]] = {source.word: [] for source in SOURCES}
    for word, name in sorted({*_variables(environment), *_services(environment)}):
        found[word if word in found else "program"].append(name)
    there = {"environment": True, "dotenv": bool(sources.paths(dotenv)), "program": bool(layers)}
    return tuple(
        Place(source, there.get(source.word, False) or _is_there(source, environment, names), names)
        for source in SOURCES
        for names in [tuple(found[source.word])]
    )


def _is_there(source: Source, environment: Environment, names: tuple[str, ...]) -> bool:
    return bool(names) or any(map(environment.is_set, source.switches))


def _variables(environment: Environment) -> Iterator[tuple[str, str]]:
    read = {name.removesuffix("_FILE") for name in environment.names() if is_read(name) and not plain_name(name)}
    for name in read | {environment.plain(chooser) for chooser in CHOOSERS}:
        if found := environment.lookup(name).found:
            yield found.origin.source, name


def _services(environment: Environment) -> Iterator[tuple[str, str]]:
    for service in bound.gather(Reading(environment)):
        origin = service.connection.origin
        yield origin.source, origin.variable
