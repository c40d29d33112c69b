"""`Record`, `Value` and `TypedDict`: named tuples, frozen dataclasses and typed dictionaries, cheap at start-up.

``from __future__ import annotations`` makes every field of a `NamedTuple` a string, and each string is compiled when
the class is made; a class then generates and evaluates the code of its constructor. For the thirty records that
`envconn.load()` imports, that was 41 of 180 million instructions (CPython 3.11, valgrind), more than all that the
function does. Type checkers read annotations themselves; at run time their names suffice.

The fields of a `Record` are kept in a tuple: its constructor and the getters are C, and cost half of slots. It
is for internal use: a tuple can be unpacked, so that a new field breaks its users, and equals any other tuple of
the same items. Public values are a `Value`.

A `TypedDict` can be closed here: then a type checker knows that there are no other keys (PEP 728, in Python 3.15).
Without that, pyright refuses to unpack one into a function that takes ``**kwargs`` of some type, as
``psycopg.connect`` does. Type checkers include typing_extensions; at run time it is not imported.
"""

from __future__ import annotations

__all__ = ["Record", "TypedDict", "Value", "fields", "replace"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, dataclass_transform
    from typing import NamedTuple as Record

    from typing_extensions import TypedDict

    T = TypeVar("T", bound="Value")

    @dataclass_transform(frozen_default=True)
    class Value:
        """Immutable fields, given by position or by name."""

    def replace(value: T, /, **changes: object) -> T:
        """Return a copy of `value` with `changes`."""
        raise NotImplementedError

    def fields(value: Value) -> dict[str, Any]:
        """Return the fields of `value` by name, in their order."""
        raise NotImplementedError

else:
    from _collections import _tuplegetter

    class _Fields(type):
        """Makes a class with annotations a tuple whose items have their names."""

        def __new__(cls, name, bases, namespace):
            own = tuple(namespace.get("__annotations__", ()))
            if own:
                defaults = {field: namespace.pop(field) for field in own if field in namespace}
                namespace |= {"_field_defaults": defaults, "_defaults": tuple(defaults.values())}
                namespace |= {field: _tuplegetter(place, None) for place, field in enumerate(own)}
                namespace |= {"_fields": own, "__match_args__": own}
            return super().__new__(cls, name, bases, {"__slots__": ()} | namespace)

    class Record(tuple, metaclass=_Fields):
        """Immutable fields, given by position or by name."""

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

    class _Kept:
        """Has the dictionary that attributes are looked up in."""

    _dictionary = _Kept.__dict__["__dict__"]

    class Value(_Kept):
        """Immutable fields, given by position or by name; equal to another of the same class with the same fields.

        It is not a sequence. A field whose name begins with an underscore is compared, and not shown.
        """

        # `vars` gets a copy: changing the fields of a verdict there would change the drivers' arguments.
        __dict__ = property(lambda self: dict(_dictionary.__get__(self)))

        __match_args__ = ()
        _required = _known = frozenset()

        def __init_subclass__(cls):
            cls.__match_args__ += tuple(cls.__annotations__)
            cls._known = frozenset(cls.__match_args__)
            cls._required = frozenset(field for field in cls.__match_args__ if not hasattr(cls, field))

        def __init__(self, *values, **named):
            if values:
                count = len(values) + len(named)
                named |= zip(self.__match_args__, values, strict=False)
                if len(named) < count:  # too many, or one of them twice
                    raise self._wrong()
            if not self._required <= named.keys() <= self._known:
                raise self._wrong()
            # A field that is not given is a class attribute.
            _dictionary.__set__(self, named)

        def _wrong(self):
            return TypeError(f"{type(self).__name__}() takes {', '.join(self.__match_args__)}")

        def _values(self):
            return tuple([getattr(self, field) for field in self.__match_args__])

        def __setattr__(self, name, value):
            raise AttributeError(f"cannot set {name}: a {type(self).__name__} is immutable")

        def __delattr__(self, name):
            raise AttributeError(f"cannot delete {name}: a {type(self).__name__} is immutable")

        def __eq__(self, other):
            return self._values() == other._values() if type(self) is type(other) else NotImplemented

        def __hash__(self):
            values = self._values()
            return hash(tuple([frozenset(value.items()) if hasattr(value, "items") else value for value in values]))

        def __copy__(self):
            return self

        def __deepcopy__(self, memo):
            return self

        def __reduce__(self):
            return type(self), self._values()

        def __repr__(self):
            shown = [f"{field}={getattr(self, field)!r}" for field in self.__match_args__ if field[0] != "_"]
            return f"{type(self).__name__}({', '.join(shown)})"

    def replace(value, /, **changes):
        """Return a copy of `value` with `changes`."""
        return type(value)(**fields(value) | changes)

    def fields(value):
        """Return the fields of `value` by name, in their order."""
        return {field: getattr(value, field) for field in value.__match_args__}

    class TypedDict(dict):
        """Accepts the keywords of a class that is derived from it; calling it makes a dictionary, like `typing`'s."""

        def __init_subclass__(cls, **_: object) -> None:
            super().__init_subclass__()

        def __new__(cls, *arguments, **named):
            return dict(*arguments, **named)
