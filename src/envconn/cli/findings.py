"""Problems and notes on stderr: a line for people, and an annotation where GitHub Actions reads along."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from envconn.cli.terminal import paint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envconn.errors import Note, Problem

__all__ = ["annotate", "complain"]


def complain(problems: Iterable[Problem], notes: Iterable[Note] = ()) -> None:
    """Print one line for each of `problems` and `notes`, then their annotations."""
    problems, notes = tuple(problems), tuple(notes)
    for word, colour, findings in (("warning", "yellow", notes), ("error", "red", problems)):
        for finding in findings:
            print(f"{paint(word, colour, sys.stderr)} {finding} [{finding.code}]", file=sys.stderr)
    annotate(problems, notes)


def annotate(problems: Iterable[Problem], notes: Iterable[Note] = ()) -> None:
    """Print the workflow commands that make errors and warnings of them, in a step of GitHub Actions and nowhere else.

    They go to stderr, which the runner reads like stdout, so that stdout stays JSON, or the program's own.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    for command, findings in (("warning", notes), ("error", problems)):
        for finding in findings:
            title = f"envconn: {finding.code}".translate(_IN_PROPERTIES)
            print(f"::{command} title={title}::{str(finding).translate(_IN_DATA)}", file=sys.stderr)


# As the runner undoes it (ActionCommand.cs).
_IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = {**_IN_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}
