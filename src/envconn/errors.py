"""Every exception of envconn, and `Finding`, the record of a problem or a note.

::

    EnvconnError
    ├── ConfigurationError      the environment is wrong
    │   └── ServiceMissing      the service is not configured; also a KeyError and an AttributeError
    ├── EndpointUnavailable     a sibling (pooled, replica, branch) that does not exist
    ├── PasswordUnavailable     a callable did not supply the password of a connection
    ├── ProofFailed             a server does not match the configuration, or is unreachable (`envconn.probe.proof`)
    └── RemoteError             a provider's API did not return what was requested (`envconn.remote`)
        └── QueryError          the server refused a query that was sent over HTTPS

None of them is a `ValueError`: pydantic turns those into a `ValidationError` that quotes the
rejected input, which here is a password. For the same reason no message contains a value, not
even a masked one, and nothing is raised inside an ``except`` block: the exception at hand
(`UnicodeDecodeError` holds the bytes, `int()` the digits) would become its context.
"""

from __future__ import annotations

import os

from envconn.exit_codes import EX_CONFIG, gravest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, NoReturn, Self


__all__ = [
    "ConfigurationError",
    "EndpointUnavailable",
    "EnvconnError",
    "Finding",
    "ImportedLate",
    "PasswordUnavailable",
    "ServiceMissing",
    "files_exhausted",
    "note",
    "problem",
]


class Finding:
    """A problem or a note about the environment or a server; immutable, equal by its fields.

    `code` is stable and lower case (``sslmode-unknown``), for programs and for `docs/codes.md`.
    `variable` names the environment variable, or what was read instead of one.
    `message` is one line: what is wrong with which part, then what to do.
    `severity` is ``error``, or ``note`` for what is not wrong: a choice, a raised level, a waiver, an ignored variable.
    `service` is the name of the service it is about, `None` if it is about none or several.
    `exit_code` is the exit code of the command for it: that of sysexits for an error, 0 for a note.
    """

    __slots__ = ("code", "exit_code", "message", "service", "severity", "variable")

    code: str
    variable: str
    message: str
    severity: Literal["error", "note"]
    service: str | None
    exit_code: int

    def __init__(  # noqa: PLR0913, PLR0917 - one for each field
        self,
        code: str,
        variable: str,
        message: str,
        severity: Literal["error", "note"] = "error",
        service: str | None = None,
        exit_code: int | None = None,
    ) -> None:
        default = EX_CONFIG if severity == "error" else 0
        fields = (code, default if exit_code is None else exit_code, message, service, severity, variable)
        for name, value in zip(self.__slots__, fields, strict=True):
            object.__setattr__(self, name, value)

    def of(self, service: str) -> Finding:
        """Return the finding with `service` set, unless it has one already."""
        return self if self.service else Finding(*self._key[:4], service, self.exit_code)

    @property
    def _key(self) -> tuple[str, str, str, Literal["error", "note"], str | None, int]:
        return self.code, self.variable, self.message, self.severity, self.service, self.exit_code

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"cannot set {name}: a Finding is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"cannot delete {name}: a Finding is immutable")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finding) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[type[Finding], tuple[str | int | None, ...]]:
        return Finding, self._key

    def __repr__(self) -> str:
        return f"Finding{self._key}"

    def __str__(self) -> str:
        return f"{self.variable}: {self.message}"


def problem(code: str, variable: str, message: str, exit_code: int = EX_CONFIG) -> Finding:
    """Return the `Finding` of a problem with these fields; `exit_code` is the configuration's if left out."""
    return Finding(code, variable, message, exit_code=exit_code)


def files_exhausted(variable: str) -> Finding | None:
    """Return the problem that nothing can be read for `variable`, because this process cannot open any file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return problem("files-exhausted", variable, _EXHAUSTED)
    return None


_EXHAUSTED = "the process has too many open files. Close them, or raise the limit with ulimit -n"


def note(code: str, variable: str, message: str) -> Finding:
    """Return the `Finding` of a note with these fields: worth reporting, but not wrong."""
    return Finding(code, variable, message, "note")


class EnvconnError(Exception):
    """Base of every exception that envconn raises on purpose.

    `problems` holds at least one `Finding`; the text of the exception has one line for each.
    """

    def __init__(self, problems: Iterable[Finding]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def exit_code(self) -> int:
        """The exit code for a program that ends because of it (BSD sysexits): that of the gravest problem."""
        return gravest(found.exit_code for found in self.problems)

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        return type(self), (self.problems,)


class ConfigurationError(EnvconnError):
    """The configuration is wrong. The exception holds all problems, not only the first."""


class ServiceMissing(ConfigurationError, KeyError, AttributeError):
    """The service is not configured. Missing as a key, or as an attribute for `hasattr` and `inspect.getmembers`."""

    # The text of a KeyError is the repr of its key.
    __str__ = Exception.__str__
    # Python sets these of an AttributeError, holds the services with them, and suggests another attribute.
    name = obj = property(lambda _: None, lambda *_: None)


class EndpointUnavailable(EnvconnError):
    """The requested endpoint does not exist or cannot be derived. The text says why, and how to configure it."""


class PasswordUnavailable(EnvconnError):
    """A callable did not supply the password of a connection. The text says what it did instead."""


class ImportedLate:
    """A context that imports a module, which is a file: it raises a `ConfigurationError` if none can be opened.

    `variable` is for the message.
    """

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, (OSError, ImportError)) and (found := files_exhausted(self._variable)):
            raise ConfigurationError([found]) from None
