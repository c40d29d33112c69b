"""The callables with which a program supplies passwords, used instead of the environment's passwords."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from envconn.connection import Secret
from envconn.errors import Finding, note, problem
from envconn.records import replace
from envconn.selection import Selection
from envconn.tls import SecuredConnection, TlsLevel
from envconn.tls.password import is_supplied
from envconn.tls.secured import identity_of, judgement_of, seal, with_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

Supplier: TypeAlias = Callable[[SecuredConnection], str | Awaitable[str]]
"""Accepts the connection that needs a password (its host, port and user), and returns the password."""


def with_passwords(selection: Selection, passwords: Mapping[str, Supplier]) -> Selection:
    """Return `selection` with the `passwords`, callables by the name of the service that they are for."""
    report = selection.report
    services = dict(selection.services)
    for name in passwords.keys() & services.keys():
        services[name] = with_supplier(services[name], passwords[name])
    problems = () if report.problems else tuple(_problems(selection, passwords))
    notes = tuple(_notes(selection.services, passwords))
    updated = replace(report, services=dict(services), problems=report.problems + problems, notes=report.notes + notes)
    return Selection(services, updated)


def _problems(selection: Selection, passwords: Mapping[str, Supplier]) -> Iterator[Finding]:
    building = any(note.code == "build-phase" for note in selection.report.notes)
    for name in passwords:
        connection = selection.services.get(name)
        if connection is None and not building:
            known = ", ".join(selection.services)
            yield problem("password-unclaimed", "passwords", f"names an unknown service. Use one of: {known}")
        if connection and (identity := identity_of(connection)):
            message = f"the program supplies the password of {name}, and {identity.word} a token. Remove one of the two"
            yield problem("identity-conflict", identity.variable, message)
        for each in (connection, *connection.siblings) if connection else ():
            if each.tls.level < TlsLevel.ENCRYPTED and not each.tls.local:
                yield problem("password-in-clear", each.origin.variable, _IN_CLEAR)


_IN_CLEAR = (
    "the program supplies the password, but the connection may be unencrypted. Use sslmode=require, and remove the "
    "host from ENVCONN_TLS_WAIVE"
)


def _notes(services: Mapping[str, SecuredConnection], passwords: Mapping[str, Supplier]) -> Iterator[Finding]:
    for name, connection in services.items():
        if name in passwords and connection.password:
            yield note("password-supplied", connection.origin.variable, _SUPPLIED)


_SUPPLIED = "the password in the URL is not used: the program supplies one"


def with_current_password(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` with the password that its callable supplies now, or unchanged if it has none.

    Raises:
        PasswordUnavailable: as for `Supplied.reveal`.
    """
    password = connection.password
    return with_password(connection, Secret(password.reveal())) if is_supplied(password) else connection


async def awith_current_password(connection: SecuredConnection) -> SecuredConnection:
    """Do the same in a coroutine, with `Supplied.fetch`."""
    password = connection.password
    return with_password(connection, Secret(await password.fetch())) if is_supplied(password) else connection


def with_supplier(connection: SecuredConnection, supplier: Supplier) -> SecuredConnection:
    """Return `connection` and its siblings, with `supplier`'s password instead of their own."""
    judgement = judgement_of(connection)
    siblings = tuple(with_supplier(sibling, supplier) for sibling in judgement.context.siblings)
    return seal(judgement._replace(context=judgement.context._replace(siblings=siblings, supplier=supplier)))
