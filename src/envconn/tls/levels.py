"""The five TLS levels, ordered, and libpq's words for them."""

from __future__ import annotations

from enum import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class TlsLevel(StrEnum):
    """The TLS level of a connection. Levels are ordered: a higher one includes the lower ones.

    The value is the word that is printed: ``TlsLevel("verify-full")`` is made from it, is equal to it, and JSON
    contains it. It may be compared with such a word: ``connection.tls.level >= "verify-full"``. Any other word is a
    `ValueError`.
    """

    NONE = "none"
    """No TLS."""
    OPPORTUNISTIC = "opportunistic"
    """TLS if the server offers it; promises nothing. Only possible for local connections and with a waiver."""
    ENCRYPTED = "encrypted"
    """TLS is required, but the server is not verified."""
    VERIFY_CA = "verify-ca"
    """TLS to a server with a certificate of the stated CA, for any name."""
    VERIFY_FULL = "verify-full"
    """TLS to a server with a certificate of the stated CA for the requested hostname."""

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:  # noqa: ARG003 - as in `Enum`
        # The enumeration's own message quotes the value, which may be the text of another variable.
        raise ValueError(f"a TlsLevel is one of {', '.join(cls)}")

    @property
    def rank(self) -> int:
        """Its position in the order, from 0 for ``none`` to 4 for ``verify-full``."""
        return _RANKS[self]

    @property
    def sslmode(self) -> str:
        """The libpq word for this level: ``disable``, ``prefer``, ``require``, ``verify-ca``, ``verify-full``."""
        return _WORDS[self.rank]

    # A string would compare by its letters.
    def __lt__(self, other: str) -> bool:
        return _RANKS[self] < _rank(other)

    def __le__(self, other: str) -> bool:
        return _RANKS[self] <= _rank(other)

    def __gt__(self, other: str) -> bool:
        return _RANKS[self] > _rank(other)

    def __ge__(self, other: str) -> bool:
        return _RANKS[self] >= _rank(other)

    __hash__ = str.__hash__


_RANKS: dict[str, int] = {level: rank for rank, level in enumerate(TlsLevel)}


def _rank(level: str) -> int:
    """Return the position of `level`, which may be the word alone; raises the `ValueError` of `TlsLevel` for no level.

    `TlsLevel` is not called for one: levels are compared often.
    """
    return _RANKS[level] if level in _RANKS else TlsLevel(level).rank


_WORDS = ("disable", "prefer", "require", "verify-ca", "verify-full")

SSLMODES = {
    "disable": TlsLevel.NONE,
    "allow": TlsLevel.OPPORTUNISTIC,
    "prefer": TlsLevel.OPPORTUNISTIC,
    "require": TlsLevel.ENCRYPTED,
    "verify-ca": TlsLevel.VERIFY_CA,
    "verify-full": TlsLevel.VERIFY_FULL,
}
"""The level that each ``sslmode`` requests (PostgreSQL 18 manual, 32.19.3, table 32.1)."""
