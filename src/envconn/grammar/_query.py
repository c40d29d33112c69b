"""Query parameters by table: which are known, what their values may be, and what they become.

The clients read a query with urllib's parse_qsl: ``+`` is a blank, a value left out is dropped
without a word, and of a parameter given twice some take the first, some the last. All of that is
refused here. So is a parameter that no table knows, because a client would hand it on unread.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from envconn.grammar._text import decode, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn.grammar._text import Reading

__all__ = ["DECIMAL", "FLAG", "FOREIGN", "NUMBER", "TEXT", "Parameter", "Query", "read_query", "settle_tls"]

_NAME = re.compile("[A-Za-z][A-Za-z0-9_-]{0,62}")
_NONE: Mapping[str, str] = MappingProxyType({})


class Parameter(NamedTuple):
    """One known parameter.

    `becomes` is its name in the result, if that is another. `meaning` is the whole vocabulary of
    its values and what they are translated into, looked up in lower case if `folded`; `pattern`
    restricts values that are no words. `shape` says in a message what is expected, under `code`.
    `secret` values are passwords. `foreign` ones are for other programs. `refusal` is why it is
    not accepted, and what to do.
    """

    becomes: str = ""
    meaning: Mapping[str, str] = _NONE
    folded: bool = False
    pattern: str = ""
    shape: str = ""
    code: str = "value-unknown"
    secret: bool = False
    foreign: bool = False
    refusal: str = ""


TEXT = Parameter()
FOREIGN = Parameter(foreign=True)
NUMBER = Parameter(pattern="[0-9]{1,9}", shape="a whole number of up to nine digits", code="number-invalid")
DECIMAL = Parameter(
    pattern=r"[0-9]{1,9}(?:\.[0-9]{1,9})?", shape="a number such as 5 or 2.5, without a unit", code="number-invalid"
)
FLAG = Parameter(meaning=MappingProxyType({"true": "true", "false": "false"}), folded=True, shape="true or false")


class Query(NamedTuple):
    """What was read: `values` for the connection, and those `foreign` to it."""

    values: dict[str, str]
    foreign: dict[str, str]


def read_query(reading: Reading, text: str, start: int, table: Mapping[str, Parameter]) -> Query:
    """Read ``name=value&...`` by `table`. What is wrong goes to `reading`; `start` is the offset of `text`.

    A name that nobody knows may be the rest of a value that was not encoded, a password at worst.
    It is shown only while nothing else was wrong and no secret has been read.
    """
    query = Query({}, {})
    secret_read = False
    for ordinal, written in enumerate(text.split("&") if text else (), 1):
        name, equals, value = written.partition("=")
        parameter = table.get(name)
        if not name or not equals:
            reading.refuse("parameter-syntax", f'parameter {ordinal} is not name=value; write "&" in a value as %26')
        elif parameter is None:
            _refuse_unknown(reading, name, ordinal, tuple(table), named=not (secret_read or reading.problems))
        else:
            meaning = _read_value(reading, name, parameter, value, start + len(name) + 1)
            _store(reading, query, name, parameter, meaning)
            secret_read = secret_read or parameter.secret
        start += len(written) + 1
    return query


def settle_tls(reading: Reading, values: dict[str, str], *, secure: bool, remedy: str) -> None:
    """Complete the TLS parameters where the scheme decides: ``redis`` or ``rediss``, ``amqp`` or ``amqps``.

    A plain scheme is ``sslmode=disable`` and takes no TLS parameters; `remedy` says what to do about
    those that are there. A secure one that says nothing about verification is verified: that is for
    the judgement to say, which knows the provider.
    """
    if not secure:
        if not _TLS.isdisjoint(values):
            reading.refuse("tls-scheme", f"TLS parameters stand in a URI without TLS; {remedy}")
        values["sslmode"] = "disable"
        return
    if values.get("sslmode") == "require" and "sslrootcert" in values:
        reading.refuse("tls-contradicts", "a CA is named beside a demand not to verify; keep one of the two")


_TLS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword"})


def _refuse_unknown(reading: Reading, name: str, ordinal: int, known: tuple[str, ...], *, named: bool) -> None:
    if named and _NAME.fullmatch(name):
        message = f"{name} is not a parameter that is known here; {nearest(name, known) or 'remove it'}"
    else:
        message = f"parameter {ordinal} has a name nobody knows; correct it, encode & and blanks in values"
    reading.refuse("parameter-unknown", message)


def _store(reading: Reading, query: Query, name: str, parameter: Parameter, value: str | None) -> None:
    becomes, place = parameter.becomes or name, query.foreign if parameter.foreign else query.values
    if becomes in place:
        reading.refuse("parameter-duplicate", f"{name} is given twice, in one or two spellings; keep one")
    elif value is not None:
        place[becomes] = value


def _read_value(reading: Reading, name: str, parameter: Parameter, written: str, start: int) -> str | None:
    """Return the value in the result's vocabulary, or refuse it and return `None`."""
    if parameter.refusal:
        reading.refuse("parameter-refused", f"{name} {parameter.refusal}")
    elif not written:
        reading.refuse("value-empty", f"the value of {name} is empty; write one, or remove {name}")
    elif "+" in written:
        reading.refuse("plus-unencoded", f'raw "+" in {name} is a blank to some; write %2B for a plus, %20 for a blank')
    elif value := decode(reading, written, f"the value of {name}", start, secret=parameter.secret):
        return _checked(reading, name, parameter, value)
    return None


def _checked(reading: Reading, name: str, parameter: Parameter, value: str) -> str | None:
    meaning = parameter.meaning.get(value.lower() if parameter.folded else value) if parameter.meaning else value
    if meaning is not None and (not parameter.pattern or re.fullmatch(parameter.pattern, value)):
        return meaning
    reading.refuse(parameter.code, f"the value of {name} is not {parameter.shape}")
    return None
