"""Look names up, with their origin: in the process environment, then the layers below it, then ``NAME_FILE``.

The rules:

- blank means not set, and is noted;
- the process environment beats each layer, and each layer those below it (`envconn.sources.order` lists them all,
  ``.env`` comes last);
- ``NAME_FILE`` names a file that holds the value of ``NAME``; both with different values is an error;
- a value that is exactly ``$OTHER`` or ``${OTHER}`` is an alias and is followed (Scalingo stores
  ``DATABASE_URL`` that way); nothing inside a value is ever interpolated.
"""

from __future__ import annotations

import os
import re
import sys

from envconn.connection import Origin, Secret
from envconn.errors import Finding, note, problem
from envconn.records import Record, replace
from envconn.sources import order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import TypeAlias

    Layer: TypeAlias = "Mapping[str, Text | Finding]"

_ALIAS = r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))"


class Text(Record):
    """A value and its origin."""

    text: Secret
    origin: Origin


class Lookup(Record):
    """The result for one name: the text if there is a usable one, the problem, the notes."""

    found: Text | None = None
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """Everything but the text."""
        return (*self.problems, *self.notes)


_NOTHING = Lookup()

ABSENT = "/dev/null/absent"
"""A path below a device: no file can be created there, and libpq reads ENOTDIR as "not there". As a value, it is what
``envconn export pg`` writes instead of nothing, where nothing means libpq's default file."""


class Environment:
    """The variables of one process at one moment.

    `process` is a mapping like `os.environ`; `layers` hold the defaults for variables that are not set, in order
    of precedence (the files of a secret directory, the assignments of a ``.env`` file). `directory` is the one that
    relative paths in them start from, empty for that of the process.
    Of ten thousand variables, four matter: values are fetched only for those that are looked up, and the
    names are searched as one text. `_pointed` has those whose value may be in a file, by ``NAME_FILE``.
    """

    __slots__ = ("_layers", "_names", "_pointed", "_process", "_text", "directory")

    def __init__(self, process: Mapping[str, str], layers: Iterable[Layer] = (), directory: str = "") -> None:
        self._process, self.directory = process, directory
        self._layers = tuple(layer for layer in layers if layer)
        # Looking for a missing name in os.environ costs an exception; in a dictionary, next to nothing.
        as_it_is = isinstance(process, dict) and not self._layers
        self._names: AbstractSet[str] = process.keys() if as_it_is else _united(process, self._layers)
        try:
            self._text = "\n".join(("", *self._names, ""))
        except TypeError:
            self._text = ""
        if self._names and not self._text:
            raise TypeError("environ must have names of type str")
        self._pointed = {name.removesuffix("_FILE") for name in self.names_with("_FILE\n")}

    def __repr__(self) -> str:
        return "<Environment>"

    def names(self) -> Iterator[str]:
        """Every name that is set, including blank ones and ``NAME_FILE``, without duplicates."""
        return iter(self._names)

    def names_with(self, fragment: str) -> Iterator[str]:
        """Yield the names that contain `fragment`, without duplicates."""
        found = self._text.find(fragment)
        while found >= 0:
            end = self._text.index("\n", found)
            yield self._text[self._text.rindex("\n", 0, found) + 1 : end]
            found = self._text.find(fragment, end)

    def is_set(self, name: str) -> bool:
        """Whether `name`, or the file variable for it, is set, also if blank."""
        return name in self._names or name in self._pointed

    def among(self, names: AbstractSet[str]) -> set[str]:
        """Return those of `names` that are set, as for `is_set`, in one search."""
        return {*(names & self._names), *(names & self._pointed)}

    @property
    def home(self) -> str:
        """The home directory, as libpq finds it: where ``HOME`` of the process says, or the user's own."""
        if home := self._process.get("HOME"):
            return home
        if self._process is os.environ and sys.platform != "win32":
            from pwd import getpwuid

            try:
                return getpwuid(os.geteuid()).pw_dir
            except KeyError:
                pass  # a container may run as any user
        return ""

    def plain(self, name: str) -> str:
        """Return the text of a variable that is no secret and no alias (``PGSSLMODE``), or empty."""
        found = self.written(name)
        return found.text.reveal().strip() if isinstance(found, Text) else ""

    def written(self, name: str) -> Text | Finding | None:
        """Return the text of `name` as it is written, or the problem with its file; `None` if it counts as not set."""
        if name not in self._names:
            return None
        found = next(self._all(name))
        return found if isinstance(found, Finding) or found.text.reveal().strip() not in {"", ABSENT} else None

    def in_env_file(self, name: str) -> bool:
        """Whether the text of `name` that is used is in an env file, or ``NAME_FILE`` is if there is no text."""
        found = self.written(name) or self.written(f"{name}_FILE")
        return isinstance(found, Text) and found.origin.env_file

    def lookup(self, name: str) -> Lookup:
        """Return the text for `name`, following aliases and ``NAME_FILE``."""
        if not self.is_set(name):
            return _NOTHING
        notes: list[Finding] = []
        chain: list[str] = []
        env_file = False
        while True:
            current = chain[-1] if chain else name
            step = self._one(current)
            notes += step.notes
            if step.problems:
                return Lookup(problems=step.problems, notes=tuple(notes))
            if step.found is None:
                return Lookup(problems=_dangling(name, chain), notes=tuple(notes))
            env_file = env_file or step.found.origin.env_file
            value = step.found.text.reveal().strip()
            match = re.fullmatch(_ALIAS, value) if value.startswith("$") else None
            if match is None:
                origin = _via(step.found.origin, name, chain, env_file=env_file)
                return Lookup(Text(step.found.text, origin), notes=tuple(notes))
            target = match[1] or match[2]
            if target in (name, *chain):
                return Lookup(problems=(_cycle(name),), notes=tuple(notes))
            chain.append(target)

    def _one(self, name: str) -> Lookup:
        """Return the combined result of `name` and ``name_FILE``, without following aliases."""
        written, pointer = self.written(name), None
        if name in self._pointed:
            pointer = self.written(f"{name}_FILE")
            if pointer is None:
                return self._found(name, written, self._remarks(f"{name}_FILE", pointer))
        if isinstance(written, Finding) or pointer is None:
            return self._found(name, written)
        if isinstance(pointer, Finding):
            return Lookup(problems=(pointer,))
        if written and pointer.origin.env_file and not written.origin.env_file:
            return self._found(name, written, (_outranked(pointer.origin, written.origin),))
        from envconn.sources import files

        content = files.read(pointer.text, f"{name}_FILE", self.directory)
        if isinstance(content, Finding):
            return Lookup(problems=(content,))
        origin = Origin(name, "file", content.path, env_file=pointer.origin.env_file)
        return self._both(name, written, Text(content.text, origin), pointer.origin)

    def _both(self, name: str, written: Text | None, content: Text, pointer: Origin) -> Lookup:
        """Return the result of a text as `written` and of the `content` of the file in `pointer`."""
        if written is None:
            return Lookup(content, notes=self._remarks(name, written))
        if written.origin.env_file and not pointer.env_file:
            return Lookup(content, notes=(_outranked(written.origin, pointer),))
        if written.text != content.text:
            return Lookup(problems=(_contradiction(name, written),))
        return Lookup(
            written, notes=(note("file-equal", name, f"{name}_FILE holds the same value. One of the two is enough"),)
        )

    def _found(self, name: str, written: Text | Finding | None, more: tuple[Finding, ...] = ()) -> Lookup:
        if isinstance(written, Finding):
            return Lookup(problems=(written,))
        return Lookup(written, notes=self._remarks(name, written) + more)

    def _all(self, name: str) -> Iterator[Text | Finding]:
        """Yield every text for `name`, the one that is used first."""
        value = self._process.get(name)
        if isinstance(value, str):
            yield Text(Secret(value if value.isascii() else _as_utf8(value)), Origin(name, "environment"))
        elif name in self._process:
            raise TypeError(f"environ must hold texts, and {name} is not of type str")
        for layer in self._layers:
            if name in layer:
                yield layer[name]

    def _remarks(self, name: str, written: Text | None) -> tuple[Finding, ...]:
        """Yield the notes about a variable that is blank, or hides another text for the same name."""
        if written is None:
            is_blank = name in self._names and self._process.get(name) != ABSENT
            return (note("variable-blank", name, _BLANK),) if is_blank else ()
        _, *hidden = self._all(name)
        return tuple(dict.fromkeys(note for other in hidden for note in _hidden(name, written, other)))


_BLANK = "is blank, or names no file, so it counts as not set"


def _as_utf8(value: str) -> str:
    """Return `value` as UTF-8: in the C locale, Python without its UTF-8 mode (PEP 540) decodes it as ASCII."""
    try:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value


def _outranked(lesser: Origin, winner: Origin) -> Finding:
    message = f"is not used: {winner.variable} is set in {order.place(winner)}, which comes before {lesser.place}"
    return note("dotenv-ignored", lesser.variable, message)


def _united(process: Mapping[str, str], layers: Iterable[Layer]) -> set[str]:
    names = {*process}
    names.update(*layers)
    return names


def _hidden(name: str, written: Text, other: Text | Finding) -> Iterator[Finding]:
    winner = order.place(written.origin)
    if isinstance(other, Finding):
        yield note("source-ignored", name, f"{winner} overrides a value that cannot be used: {other.message}")
    elif other.text.reveal().strip() and other.text != written.text:
        code = "dotenv-ignored" if other.origin.source == "dotenv" else "source-ignored"
        yield note(code, name, f"{winner} overrides the different value in {order.place(other.origin)}")


def _via(origin: Origin, name: str, chain: list[str], *, env_file: bool) -> Origin:
    return replace(origin, variable=name, via=(*chain, *origin.via), env_file=env_file)


def _dangling(name: str, chain: list[str]) -> tuple[Finding, ...]:
    if not chain:
        return ()
    # A password that begins with a dollar sign looks like an alias, and must not be shown as one.
    if re.fullmatch(_OF_A_VARIABLE, chain[-1]) and not name.endswith("PASSWORD"):
        message = f"is an alias of {chain[-1]}, which is not set. Set {chain[-1]}, or write the value itself"
    else:
        instead = (
            "a password that begins with a dollar sign as %24... in a URL" if "PASS" in name else "the value itself"
        )
        message = f"{_ALIAS_OF_NOTHING}. Set that variable, or write {instead}"
    return (problem("alias-missing", name, message),)


_OF_A_VARIABLE = r"[A-Z][A-Z0-9_]*_(?:URLS?|URI|DSN|HOST|HOSTNAME|PORT|USER|USERNAME|NAME|DB|DATABASE|CERT|CA)"
_ALIAS_OF_NOTHING = "is a dollar sign and a name, which makes it an alias, but no variable of that name is set"


def _cycle(name: str) -> Finding:
    return problem(
        "alias-cycle",
        name,
        "is an alias that refers back to itself. Write the value itself into the last variable of the chain",
    )


def _contradiction(name: str, written: Text) -> Finding:
    place = order.title(written.origin.source)
    message = f"is set by {place}, and {name}_FILE holds a different value. Keep one of the two"
    return problem("file-conflict", name, message)
