"""Every exception of envconn, and the one value they are made of.

::

    EnvconnError
    ├── ConfigurationError      the environment is wrong; carries every problem found
    ├── EndpointUnavailable     a sibling (pooled, replica, branch) that cannot be had
    ├── PasswordUnavailable     a password that a callable was to supply, when a connection was to be made
    └── RemoteError             a provider's API did not give what was asked for
        └── QueryError          the server refused a query that was sent over HTTPS

None of them is a `ValueError`: pydantic turns those into a `ValidationError` that quotes the
rejected input, which here is a password. For the same reason no message contains a value, not
even a masked one, and nothing is raised from inside an ``except`` block, where the exception at
hand (`UnicodeDecodeError` holds the bytes, `int()` the digits) would travel along as context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envconn.connection import Secret

__all__ = [
    "ConfigurationError",
    "EndpointUnavailable",
    "EnvconnError",
    "Note",
    "PasswordUnavailable",
    "Problem",
    "QueryError",
    "RemoteError",
]


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


class RemoteError(EnvconnError):
    """A provider's API could not be asked, or did not give what was asked for.

    `problems` holds one `Problem`. `exit_code` is what the command ends with for it: 64 the call is wrong,
    69 unreachable, too slow or busy, 76 TLS not verified, 77 token or right refused, 78 anything else.
    """

    def __init__(self, problem: Problem, exit_code: int) -> None:
        self.problems = (problem,)
        self.exit_code = exit_code
        super().__init__(str(problem))

    def __reduce__(self) -> tuple[type[RemoteError], tuple[object, ...]]:
        return type(self), (*self.problems, self.exit_code)


class QueryError(RemoteError):
    """The server refused a query that was sent over HTTPS.

    `sqlstate` is PostgreSQL's code of five characters (``42P01``). `server_message` is its own sentence, which
    may quote values of the query or of the table; it is not in the text of the exception, and not pickled.
    """

    def __init__(self, problem: Problem, exit_code: int, sqlstate: str, server_message: Secret | None = None) -> None:
        super().__init__(problem, exit_code)
        self.sqlstate = sqlstate
        self.server_message = server_message

    def __reduce__(self) -> tuple[type[RemoteError], tuple[object, ...]]:
        return type(self), (*self.problems, self.exit_code, self.sqlstate)
