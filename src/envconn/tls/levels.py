"""The vocabulary of the verdict: five levels, ordered, and libpq's words for them."""

from __future__ import annotations

from enum import IntEnum


class TlsLevel(IntEnum):
    """What is promised about a connection. Levels compare: a higher one includes what the lower ones promise."""

    NONE = 0
    """Clear text."""
    OPPORTUNISTIC = 1
    """TLS if the other side happens to offer it; promises nothing. Only ever reached on a local or waived hop."""
    ENCRYPTED = 2
    """TLS or no connection, to somebody: whose key it is was not checked."""
    VERIFY_CA = 3
    """TLS to a server that holds a certificate of the stated CA, under whatever name."""
    VERIFY_FULL = 4
    """TLS to a server that holds a certificate of the stated CA for the host name asked for."""

    @property
    def sslmode(self) -> str:
        """The libpq word that gets this level: ``disable``, ``prefer``, ``require``, ``verify-ca``, ``verify-full``."""
        return _WORDS[self]

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


_WORDS = ("disable", "prefer", "require", "verify-ca", "verify-full")

SSLMODES = {
    "disable": TlsLevel.NONE,
    "allow": TlsLevel.OPPORTUNISTIC,
    "prefer": TlsLevel.OPPORTUNISTIC,
    "require": TlsLevel.ENCRYPTED,
    "verify-ca": TlsLevel.VERIFY_CA,
    "verify-full": TlsLevel.VERIFY_FULL,
}
"""The level that each ``sslmode`` asks for (PostgreSQL 18 manual, 32.19.3, table 32.1)."""
