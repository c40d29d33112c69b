"""Credentials in a program that did not come from the environment, and the line that they stand in."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.tls import Verdict

MESSAGE = "the credentials are in {}, and not in the environment"
REMEDY = "Set them in the environment"
CODE = "credentials-in-settings"


def may_be_hardcoded(verdict: Verdict | None) -> bool:
    """Whether a program may contain the credentials of a connection with `verdict`: those of a server on this machine.

    `None` is a connection that is not judged, whose server is unknown.
    """
    return verdict is not None and verdict.local


def sentence(line: str) -> str:
    """Return the warning about credentials in the `line` that `line_of` has returned."""
    return f"{MESSAGE.format(line)}. {REMEDY}"


def line_of(secrets: Iterable[str], modules: Iterable[str]) -> str | None:
    """Return the file and line of one of the `secrets` that no variable holds, as text; `None` if there is none.

    It is "the program" if that is not known. `modules` are the names of those that may hold it, the likeliest first.
    """
    others = [secret for secret in secrets if secret and not _is_in_environment(secret)]
    files = [getattr(sys.modules.get(name), "__file__", None) for name in (modules if others else ())]
    found = [_line(secret, files) for secret in others]
    return next(filter(None, found), "the program") if others else None


def program_modules() -> list[str]:
    """Return the names of the modules in the working directory and below it, without installed packages."""
    files = {name: getattr(module, "__file__", None) or "" for name, module in [*sys.modules.items()]}
    here = f"{Path.cwd()}/"
    return [name for name, file in files.items() if file.startswith(here) and "/site-packages/" not in file]


def password_in(url: str) -> str:
    """Return the password in `url`, decoded; empty if there is none."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def _is_in_environment(secret: str) -> bool:
    forms = {secret, quote(secret, safe="")}
    return any(_holds(value, form) for value in os.environ.values() for form in forms)


def _holds(value: str, secret: str) -> bool:
    # A short password is in many values by chance: "root" in HOME.
    return value == secret or f":{secret}@" in value or (len(secret) > 7 and secret in value)


def _line(secret: str, files: Iterable[str | None]) -> str:
    found = ((Path(file).name, number) for file in files if file for number in _lines(Path(file), secret))
    return "{}, line {}".format(*first) if (first := next(found, None)) else ""


def _lines(path: Path, secret: str) -> Iterator[int]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # compiled, or no longer what was imported
        return
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    yield from (node.lineno for node in texts if secret in {node.value, password_in(str(node.value))})
