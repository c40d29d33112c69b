"""A judged connection for a text that is read elsewhere: its CA under another path, its secrets taken out.

What was judged stays as it is. Nobody but `envconn.export` is given one of these, and makes text of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.connection import Parameters, Secret
from envconn.grammar.libpq_keywords import SECRETS
from envconn.tls.secured import judgement_of, seal

if TYPE_CHECKING:
    from envconn.tls.secured import SecuredConnection


MASK = "MASKED"
"""What stands in place of a secret. Plain letters, so that every format shows it as it is."""


def with_ca_at(connection: SecuredConnection, path: str) -> SecuredConnection:
    """Return `connection` with its CA in the file `path`, where the reader of the text will find it.

    Nothing is read there. A reader who finds nothing does not connect. One without a CA stays as it is.
    """
    judgement = judgement_of(connection)
    if judgement.verdict.ca is None:
        return connection
    there = judgement.verdict.ca._replace(kind="file", path=path)
    return seal(judgement._replace(verdict=judgement.verdict._replace(ca=there)))


def masked(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` with `MASK` in place of each secret, so that no text made of it can hold one.

    Siblings are left out: they have secrets of their own.
    """
    judgement = judgement_of(connection)
    asked = judgement.connection
    shown = {name: MASK if name in SECRETS else value for name, value in asked.parameters.items()}
    harmless = asked._replace(password=asked.password and Secret(MASK), parameters=Parameters(shown))
    return seal(judgement._replace(connection=harmless, context=judgement.context._replace(siblings=())))
