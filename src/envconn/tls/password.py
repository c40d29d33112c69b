"""A password that the program supplies by a callable, anew for each connection: a token that expires.

It is a `Secret` that calls when it is revealed, so that every driver's arguments are made with one of
that moment. What the callable raises or returns by mistake travels nowhere: only its type is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine

from envconn.connection import Secret
from envconn.errors import PasswordUnavailable
from envconn.records import Record
from envconn.tls.secured import SecuredConnection, judgement_of, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias, TypeGuard


Supplier: TypeAlias = Callable[[SecuredConnection], str | Awaitable[str]]
"""Takes the connection that the password is for (its host, port and user), and returns the password."""


FIXED = "the program supplies its password anew for each login"
"""What messages say of it where it cannot be kept."""


class Supplied(Secret):
    """The password of a connection that a callable supplies."""

    __slots__ = ("_connection", "_supplier")

    def __init__(self, supplier: Supplier, connection: SecuredConnection) -> None:
        super().__init__("")
        self._supplier = supplier
        self._connection = connection

    def reveal(self) -> str:
        """Call for the password, and return it.

        Raises:
            PasswordUnavailable: the callable failed, is asynchronous, or returned no text that can be one.
        """
        found = _checked(_called(self._supplier, self._connection))
        return found if isinstance(found, str) else self._refuse(found)

    async def fetch(self) -> str:
        """Do the same in a coroutine: an asynchronous callable is awaited, another one runs in a thread.

        Raises:
            PasswordUnavailable: as for `reveal`.
        """
        found = _checked(await _awaited(self._supplier, self._connection))
        return found if isinstance(found, str) else self._refuse(found)

    def _refuse(self, wrong: _Wrong) -> NoReturn:
        variable, name = self._connection.variable, self._connection.name
        raise PasswordUnavailable(f"{variable}: the callable that supplies the password of {name} {wrong.sentence}")

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Supplied) and self._supplier == other._supplier

    def __hash__(self) -> int:
        return hash(self._supplier)


class _Wrong(Record):
    """Why there is no password."""

    sentence: str


def is_supplied(password: Secret | None) -> TypeGuard[Supplied]:
    """Whether `password` is one that has to be called for."""
    return isinstance(password, Supplied)


def settled(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` with the password that its callable supplies now, or as it is where there is none.

    Raises:
        PasswordUnavailable: as for `Supplied.reveal`.
    """
    password = connection.password
    return _with_password(connection, Secret(password.reveal())) if is_supplied(password) else connection


async def asettled(connection: SecuredConnection) -> SecuredConnection:
    """Do the same in a coroutine, by `Supplied.fetch`."""
    password = connection.password
    return _with_password(connection, Secret(await password.fetch())) if is_supplied(password) else connection


def without_password(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` without a password that has to be called for: for what is made before the first login."""
    return _with_password(connection, None) if is_supplied(connection.password) else connection


def with_supplier(connection: SecuredConnection, supplier: Supplier) -> SecuredConnection:
    """Return `connection` and its other endpoints, with the password that `supplier` supplies in place of their own."""
    judgement = judgement_of(connection)
    siblings = tuple(with_supplier(sibling, supplier) for sibling in judgement.context.siblings)
    return seal(judgement._replace(context=judgement.context._replace(siblings=siblings, supplier=supplier)))


def _with_password(connection: SecuredConnection, password: Secret | None) -> SecuredConnection:
    judgement = judgement_of(connection)
    stated = judgement.connection._replace(password=password)
    return seal(judgement._replace(connection=stated, context=judgement.context._replace(supplier=None)))


def _called(supplier: Supplier, connection: SecuredConnection) -> object:
    try:
        return supplier(connection)
    except Exception as error:  # noqa: BLE001 - it is the program's, and may raise anything
        return _Wrong(f"raised {type(error).__name__}; look there")


async def _awaited(supplier: Supplier, connection: SecuredConnection) -> object:
    import asyncio

    direct = asyncio.iscoroutinefunction(supplier)
    # Asking a cloud's API takes its time, which the event loop does not have.
    found = _called(supplier, connection) if direct else await asyncio.to_thread(_called, supplier, connection)
    if not isinstance(found, Awaitable):
        return found
    try:
        return await found
    except Exception as error:  # noqa: BLE001 - as above
        return _Wrong(f"raised {type(error).__name__}; look there")


def _checked(found: object) -> str | _Wrong:
    if isinstance(found, Coroutine):
        found.close()  # or Python complains that nobody awaited it
    if isinstance(found, Awaitable):
        return _Wrong("is asynchronous, and this connection is not; give one that returns the text itself")
    if isinstance(found, _Wrong):
        return found
    if not isinstance(found, str):
        return _Wrong(f"returned {type(found).__name__}; it has to return a str")
    return found if found and "\0" not in found else _Wrong("returned a text that is empty or has a zero byte in it")
