"""Every exception of envconn, and the one value they are made of.

::

    EnvconnError
    ├── ConfigurationError      the environment is wrong; carries every problem found
    ├── EndpointUnavailable     a sibling (pooled, replica, branch) that cannot be had
    └── PasswordUnavailable     a password that a callable was to supply, when a connection was to be made

None of them is a `ValueError`: pydantic turns those into a `ValidationError` that quotes the
rejected input, which here is a password. For the same reason no message contains a value, not
even a masked one, and nothing is raised from inside an ``except`` block, where the exception at
hand (`UnicodeDecodeError` holds the bytes, `int()` the digits) would travel along as context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ConfigurationError", "EndpointUnavailable", "EnvconnError", "Note", "PasswordUnavailable", "Problem"]


class Problem(NamedTuple):
    """One thing that is wrong, said so that it can be mended.

    `code` is stable and lower case (``sslmode-unknown``); programs compare it, people look it up.
    `variable` names the environment variable, or says what stood in for one.
    `message` is one line: what is wrong with which part; what to write instead.
    """

    code: str
    variable: str
    message: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.message}"


class Note(NamedTuple):
    """Something worth reporting that is not wrong: a choice, a raised level, a waiver, an ignored variable.

    The fields are those of `Problem`, under the same rules.
    """

    code: str
    variable: str
    message: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.message}"


class EnvconnError(Exception):
    """Base of everything that envconn raises on purpose."""


class ConfigurationError(EnvconnError):
    """The environment cannot give a proven connection.

    Everything that is wrong is collected before this is raised. `problems` holds at least one
    `Problem`; the text of the exception has one line for each.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ConfigurationError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class EndpointUnavailable(EnvconnError):
    """The endpoint asked for does not exist or cannot be derived; the text says why, and where to get it."""


class PasswordUnavailable(EnvconnError):
    """A callable did not supply the password that a connection was to be made with; the text says what it did."""
