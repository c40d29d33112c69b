"""The entries of ``DATABASES`` and ``CACHES`` with credentials that did not come from the environment."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from envconn.hardcoded import line_of, password_in
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Hardcoded(Record):
    """An entry with such credentials: its place (``DATABASES['legacy']``), and where they stand."""

    place: str
    line: str


def hardcoded(
    entries: Mapping[str, Mapping[str, object]], setting: str, made: Iterable[Mapping[str, object]], module: str
) -> Iterator[Hardcoded]:
    """Yield those of the `entries` of `setting` whose credentials neither were `made`, nor are in a variable.

    `module` is the settings module.
    """
    known = {secret for entry in made for secret in _secrets(entry)}
    package = module.rpartition(".")[0]
    beside = [name for name in [*sys.modules] if package and name.rpartition(".")[0] == package]
    for alias, entry in entries.items():
        if line := line_of(_secrets(entry) - known, (module, *beside)):
            yield Hardcoded(f"{setting}[{alias!r}]", line)


def _secrets(entry: Mapping[str, object]) -> set[str]:
    """Return the passwords in an entry: on its own level, in OPTIONS, and in URLs."""
    options = entry.get("OPTIONS")
    texts = {**entry, **(options if isinstance(options, Mapping) else {})}
    found = {str(texts[name]) for name in ("PASSWORD", "password", "passwd") if texts.get(name)}
    location = entry.get("LOCATION")
    places = location if isinstance(location, list | tuple) else [location]
    return found | {secret for place in places if (secret := password_in(str(place)))}
