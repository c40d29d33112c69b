"""Credentials in ``DATABASES`` and ``CACHES`` that did not come from the environment, and their line."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Hardcoded(Record):
    """An entry with such credentials: its place (``DATABASES['legacy']``), and where they stand, empty if unknown."""

    place: str
    line: str


def hardcoded(
    entries: Mapping[str, Mapping[str, object]], setting: str, made: Iterable[Mapping[str, object]], module: str
) -> Iterator[Hardcoded]:
    """Yield those of the `entries` of `setting` whose credentials neither were `made`, nor are in a variable.

    `module` is the settings module.
    """
    known = {secret for entry in made for secret in _secrets(entry)}
    for alias, entry in entries.items():
        others = [secret for secret in _secrets(entry) if secret not in known and not _is_in_environment(secret)]
        if others:
            yield Hardcoded(f"{setting}[{alias!r}]", next(filter(None, (_line(each, module) for each in others)), ""))


def _secrets(entry: Mapping[str, object]) -> set[str]:
    """Return the passwords in an entry: on its own level, in OPTIONS, and in URLs."""
    options = entry.get("OPTIONS")
    texts = {**entry, **(options if isinstance(options, Mapping) else {})}
    found = {str(texts[name]) for name in ("PASSWORD", "password", "passwd") if texts.get(name)}
    location = entry.get("LOCATION")
    places = location if isinstance(location, list | tuple) else [location]
    return found | {unquote(secret) for place in places if (secret := _password(str(place)))}


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def _is_in_environment(secret: str) -> bool:
    forms = {secret, quote(secret, safe="")}
    return any(_holds(value, form) for value in os.environ.values() for form in forms)


def _holds(value: str, secret: str) -> bool:
    # A short password is in many values by chance: "root" in HOME.
    return value == secret or f":{secret}@" in value or (len(secret) > 7 and secret in value)


def _line(secret: str, module: str) -> str:
    """Return the file and line of the settings that hold `secret`, or nothing."""
    package = module.rpartition(".")[0]
    beside = [name for name in sys.modules if package and name.rpartition(".")[0] == package]
    files = [getattr(sys.modules.get(name), "__file__", None) for name in (module, *beside)]
    found = ((Path(file).name, number) for file in files if file for number in _lines(Path(file), secret))
    return "{}, line {}".format(*first) if (first := next(found, None)) else ""


def _lines(path: Path, secret: str) -> Iterator[int]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # compiled, or no longer what was imported
        return
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    yield from (node.lineno for node in texts if secret in {node.value, unquote(_password(str(node.value)))})
