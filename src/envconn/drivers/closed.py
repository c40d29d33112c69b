"""`TypedDict` that can be closed, so that a type checker knows: there are no other keys (PEP 728, in Python 3.15).

Without that, pyright refuses to unpack one into a function that takes ``**kwargs`` of some type, as
``psycopg.connect`` does. Type checkers bring typing_extensions along; at run time it is not imported.
"""

from typing import TYPE_CHECKING

__all__ = ["TypedDict"]

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:

    class TypedDict(dict):
        """Takes the keywords of a class that is derived from it, and is otherwise what it says."""

        def __init_subclass__(cls, **_: object) -> None:
            super().__init_subclass__()
