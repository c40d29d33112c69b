"""A password from the program's callable, anew for each connection, such as a token that expires.

It is a `Secret` that calls the callable when it is revealed, so that every driver's arguments contain the
current one. What the callable raises or returns by mistake is not shown: messages contain only its type.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine

from envconn.connection import Secret
from envconn.errors import PasswordUnavailable, problem
from envconn.exit_codes import EX_NOPERM
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeAlias, TypeGuard

    Supplier: TypeAlias = Callable[..., str | Awaitable[str]]


FIXED = "the program supplies a new password for each login"
"""What messages say about it if it cannot be stored."""


class Supplied(Secret):
    """The password of a connection that a callable supplies."""

    __slots__ = ("_connection", "_name", "_supplier", "_variable")

    def __init__(self, supplier: Supplier, connection: object, name: str, variable: str) -> None:
        super().__init__("")
        self._supplier = supplier
        self._connection = connection
        self._name = name
        self._variable = variable

    def reveal(self) -> str:
        """Call the callable, and return the password.

        Raises:
            PasswordUnavailable: the callable failed, is asynchronous, or did not return a valid password.
        """
        found = _checked(_called(self._supplier, self._connection))
        return found if isinstance(found, str) else self._refuse(found)

    async def fetch(self) -> str:
        """Do the same in a coroutine: an asynchronous callable is awaited, any other one runs in a thread.

        Raises:
            PasswordUnavailable: as for `reveal`.
        """
        found = _checked(await _awaited(self._supplier, self._connection))
        return found if isinstance(found, str) else self._refuse(found)

    def _refuse(self, wrong: _Wrong) -> NoReturn:
        message = f"the callable that supplies the password of {self._name} {wrong.sentence}"
        raise PasswordUnavailable([problem("password-unavailable", self._variable, message, EX_NOPERM)])

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Supplied) and self._supplier == other._supplier

    def __hash__(self) -> int:
        return hash(self._supplier)


class _Wrong(Record):
    """Return why there is no password."""

    sentence: str


def is_supplied(password: Secret | None) -> TypeGuard[Supplied]:
    """Whether `password` comes from a callable."""
    return isinstance(password, Supplied)


def _called(supplier: Supplier, connection: object) -> object:
    try:
        return supplier(connection)
    except PasswordUnavailable:
        raise  # of an identity, which says which step failed
    except Exception as error:  # noqa: BLE001 - it is the program's, and may raise anything
        return _Wrong(f"raised {type(error).__name__}. Correct it in the program")


async def _awaited(supplier: Supplier, connection: object) -> object:
    import asyncio

    direct = asyncio.iscoroutinefunction(supplier)
    # Asking a cloud's API takes time, and must not block the event loop.
    found = _called(supplier, connection) if direct else await asyncio.to_thread(_called, supplier, connection)
    if not isinstance(found, Awaitable):
        return found
    try:
        return await found
    except Exception as error:  # noqa: BLE001 - as above
        return _Wrong(f"raised {type(error).__name__}. Correct it in the program")


def _checked(found: object) -> str | _Wrong:
    if isinstance(found, Coroutine):
        found.close()  # otherwise Python warns that it was never awaited
    if isinstance(found, Awaitable):
        return _Wrong("is asynchronous, but this connection is not. Pass a function that returns the password itself")
    if isinstance(found, _Wrong):
        return found
    if not isinstance(found, str):
        return _Wrong(f"returned {type(found).__name__}. It must return a str")
    return (
        found
        if found and "\0" not in found
        else _Wrong("returned a text that is empty or has a NUL. It must return the password")
    )
