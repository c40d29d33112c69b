"""Log in with the current configuration, and read the environment again while a process runs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.rotation.repeated_login import alogin, login

__all__ = ["alogin", "login"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not at the top: `envconn.services`, which it imports, reads again with this package.
    from envconn.rotation import repeated_login

    return getattr(repeated_login, name)
