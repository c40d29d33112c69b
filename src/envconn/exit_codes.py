"""Every exit code: BSD's sysexits.h, and a shell's."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


EX_OK = 0
"""Success."""
EX_USAGE = 64
"""The command line or the call is wrong."""
EX_UNAVAILABLE = 69
"""A server is unreachable or did not answer in time; this may pass without a change."""
EX_IOERR = 74
"""The output cannot be written."""
EX_PROTOCOL = 76
"""TLS is refused, absent or not verified."""
EX_NOPERM = 77
"""Login, role or database is refused."""
EX_CONFIG = 78
"""The configuration, or what is installed, is wrong; the user has to correct it."""
EX_NOT_EXECUTABLE = 126
"""The command of ``exec`` cannot be executed."""
EX_NOT_FOUND = 127
"""The command of ``exec`` does not exist."""
EX_INTERRUPTED = 128 + 2
"""SIGINT, as a shell reports it."""
EX_BROKEN_PIPE = 128 + 13
"""SIGPIPE, as a shell reports it: the reader of the output has gone."""


_GRAVEST = (EX_CONFIG, EX_PROTOCOL, EX_NOPERM, EX_UNAVAILABLE, EX_USAGE)


def gravest(exit_codes: Iterable[int]) -> int:
    """Return the one of `exit_codes` to end with: the one that waiting helps least; 0 for none."""
    found = set(exit_codes)
    return next((code for code in _GRAVEST if code in found), EX_OK)
