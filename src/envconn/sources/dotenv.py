"""Read and change a ``.env`` file, with python-dotenv's parser and without its interpolation.

``${b}`` in a password is not changed; the line of every assignment is kept, so that an error
can point at it. python-dotenv is imported only if there is a file.
"""

from __future__ import annotations

import io
import os
import re

from envconn.connection import Origin, Secret
from envconn.errors import Finding, note, problem
from envconn.sources.environment import Text
from envconn.sources.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 1_048_576
"""The largest ``.env`` file that is read, in bytes."""


def read(path: str, directory: str = "") -> tuple[Mapping[str, Text], tuple[Finding, ...]]:
    """Return the assignments in the file `path`, as seen from `directory`, with findings. The last one wins."""
    # The user may pass a connection string where a path is expected; the message must not quote it.
    content = read_text(os.path.join(directory, path), "dotenv" if "://" in path else path, LIMIT)
    if isinstance(content, Finding):
        return {}, (content,)
    return _assignments(content, path)


def assigned(content: str, name: str, value: str) -> str | None:
    """Return `content`, the text of such a file, with `name` set to `value` and everything else unchanged.

    `value` has no quote, backslash or line break. `None` if an unclosed quote would include the new line.
    """
    from dotenv.parser import parse_stream

    mark = "\ufeff" if content.startswith("\ufeff") else ""
    parts: list[str] = []
    line = f"{name}='{value}'\n"
    for binding in parse_stream(io.StringIO(content.removeprefix(mark))):
        text = binding.original.string
        if binding.key != name:
            parts.append(text)
        elif line not in parts:
            # The parser returns blank lines before an assignment as a part of it.
            parts += [text[: len(text) - len(text.lstrip())], "export " * text.lstrip().startswith("export"), line]
    if line not in parts:
        parts += ["" if not parts or parts[-1].endswith("\n") else "\n", line]
    made = mark + "".join(parts)
    return made if _values(made) == {**_values(content), name: value} else None


def _values(content: str) -> dict[str, str]:
    found, _ = _assignments(Secret(content), "")
    return {name: text.text.reveal() for name, text in found.items()}


def _assignments(content: Secret, path: str) -> tuple[Mapping[str, Text], tuple[Finding, ...]]:
    from dotenv.parser import parse_stream

    found: dict[str, Text] = {}
    problems: list[Finding] = []
    for binding in parse_stream(io.StringIO(content.reveal().removeprefix("\ufeff"))):
        line = _line(binding.original.string, binding.original.line)
        if binding.error:
            is_open = re.match(_QUOTED, binding.original.string)
            message = (
                "has a quote that is not closed. Close it" if is_open else "is not an assignment. Write NAME='value'"
            )
            problems.append(problem("dotenv-syntax", path, f"line {line} {message}"))
        elif binding.key is not None:
            first = found.get(binding.key)
            if first and first.text.reveal() != (binding.value or ""):
                problems.append(note("dotenv-duplicate", binding.key, _TWICE.format(path, first.origin.line, line)))
            found[binding.key] = Text(
                Secret(binding.value or ""), Origin(binding.key, "dotenv", path, line, env_file=True)
            )
    return found, tuple(problems)


_QUOTED = r"\s*(?:export\s+)?[^\s=#'\"]+\s*=\s*['\"]"
_TWICE = "is set twice in {}, to different values: line {} has no effect, line {} has. Keep one"


def _line(text: str, first: int) -> int:
    # The parser counts blank lines before an assignment as a part of it.
    return first + text[: len(text) - len(text.lstrip())].count("\n")
