"""`Record` and `TypedDict`: what `typing` calls `NamedTuple` and `TypedDict`, without their price at start-up.

``from __future__ import annotations`` makes every field of a `NamedTuple` a string, and each string is compiled when
the class is made; a class then generates and evaluates the code of its constructor. For the thirty records that
`envconn.load()` imports, that was 41 of 180 million instructions (CPython 3.11, valgrind), more than all that the
function does. Type checkers read annotations themselves; at run time their names suffice.

Values are kept in a tuple: its constructor and the getters of its fields are C, and half the price of slots.

A `TypedDict` can be closed here, so that a type checker knows: there are no other keys (PEP 728, in Python 3.15).
Without that, pyright refuses to unpack one into a function that takes ``**kwargs`` of some type, as
``psycopg.connect`` does. Type checkers bring typing_extensions along; at run time it is not imported.
"""

from __future__ import annotations

__all__ = ["Record", "TypedDict"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record

    from typing_extensions import TypedDict
else:
    from _collections import _tuplegetter

    class _Fields(type):
        """Makes a class with annotations a tuple whose items are called as they say."""

        def __new__(cls, name, bases, namespace):
            own = tuple(namespace.get("__annotations__", ()))
            if own:
                defaults = {field: namespace.pop(field) for field in own if field in namespace}
                namespace |= {"_field_defaults": defaults, "_defaults": tuple(defaults.values())}
                namespace |= {field: _tuplegetter(place, None) for place, field in enumerate(own)}
                namespace |= {"_fields": own, "__match_args__": own}
            return super().__new__(cls, name, bases, {"__slots__": ()} | namespace)

    class Record(tuple, metaclass=_Fields):
        """Immutable fields, given by place or by name."""

        __slots__ = ()
        _fields = ()
        _defaults = ()
        _field_defaults = {}  # noqa: RUF012 - as in a NamedTuple, and never written to

        def __new__(cls, *values, **named):
            if not values and tuple(named) == cls._fields:  # all by name, in their order
                return tuple.__new__(cls, named.values())
            missing = len(cls._fields) - len(values)
            if not (named or missing):
                return tuple.__new__(cls, values)
            if not named and 0 < missing <= len(cls._defaults):
                return tuple.__new__(cls, values + cls._defaults[-missing:])
            return tuple.__new__(cls, (*values, *cls._rest(len(values), named)))

        @classmethod
        def _rest(cls, given, named):
            """Return the values of the fields after the first `given`."""
            rest = cls._fields[given:]
            known = cls._field_defaults | named
            if given > len(cls._fields) or not named.keys() <= {*rest} or not known.keys() >= {*rest}:
                raise TypeError(f"{cls.__name__}() takes {', '.join(cls._fields)}")
            return map(known.__getitem__, rest)

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _replace(self, **changes):
            if unknown := changes.keys() - {*self._fields}:
                raise TypeError(f"{type(self).__name__}() has no field {', '.join(sorted(unknown))}")
            return self._make(map(changes.get, self._fields, self))

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            fields = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
            return f"{type(self).__name__}({fields})"

    class TypedDict(dict):
        """Takes the keywords of a class that is derived from it; calling it makes a dictionary, as `typing`'s does."""

        def __init_subclass__(cls, **_: object) -> None:
            super().__init_subclass__()

        def __new__(cls, *arguments, **named):
            return dict(*arguments, **named)
