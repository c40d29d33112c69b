"""The remedy of each code works: its example leads to the code, and the corrected line to a connection."""

from __future__ import annotations

import shlex

import pytest

from envconn import ConfigurationError, load
from envconn.codes import SECTIONS

EXAMPLES = {
    code: (told.example, told.corrected) for codes in SECTIONS.values() for code, told in codes.items() if told.example
}
URL = "postgresql://app:secret@db.example.com/app"


def codes(line: str) -> list[str]:
    """Return the codes of the problems of the environment that `line` states, as a shell reads it."""
    environ = dict(word.split("=", 1) for word in shlex.split(line))
    try:
        load(environ, env_file=None)
    except ConfigurationError as error:
        return [problem.code for problem in error.problems]
    return []


def test_there_are_enough_examples() -> None:
    assert len(EXAMPLES) >= 60


# What a mistake leads to as well.
FOLLOWING = {
    "hostaddr-alone": {"host-missing"},
    "sslmode-contradicts": {"tls-disabled"},
    "crl-without-ca": {"crl-broken"},
    "waiver-malformed": {"tls-disabled"},
    "waiver-too-wide": {"tls-disabled"},
}


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_leads_to_its_code(code: str) -> None:
    assert set(codes(EXAMPLES[code][0])) == {code, *FOLLOWING.get(code, ())}


@pytest.mark.parametrize("code", EXAMPLES)
def test_remedy_removes_it(code: str) -> None:
    assert codes(EXAMPLES[code][1]) == []


@pytest.mark.parametrize(
    ("parts", "variable", "told", "corrected"),
    [
        ({"DB_NAME": "app"}, "DB_USER", "Set it to the user", {"DB_USER": "app"}),
        ({"DB_USER": "app"}, "DB_NAME", "Set it to the name", {"DB_NAME": "app"}),
        ({"DB_USER": "app", "DB_DATABASE": " "}, "DB_DATABASE", "Set it to the name", {"DB_DATABASE": "app"}),
        ({"DB_USER": "app", "DB_NAME": "app", "DB_PORT": "x"}, "DB_PORT", "Set it to 1 to 65535", {"DB_PORT": "5432"}),
        ({"DB_USER": "app", "DB_NAME": "app", "DB_PORT": "0"}, "DB_PORT", "Set it to 1 to 65535", {"DB_PORT": "5432"}),
        (
            {"DB_USER": "app", "DB_NAME": "app", "DB_SSLMODE": "requier"},
            "DB_SSLMODE",
            "Use require",
            {"DB_SSLMODE": "require"},
        ),
    ],
)
def test_parts_are_named_by_their_own_variables(
    parts: dict[str, str], variable: str, told: str, corrected: dict[str, str]
) -> None:
    environ = {"DB_HOST": "db.example.com", **parts}
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    (problem,) = caught.value.problems
    assert problem.variable == variable
    assert told in problem.message.partition(". ")[2]
    assert load(environ | corrected, env_file=None).database.origin.variable == "DB_HOST"


# What is written, the words of the message that say what to do, and what is written when they have been followed.
FOLLOWED = [
    ("?sslmode=VERIFY-FULL", "Use verify-full, in lower case", "?sslmode=verify-full&sslrootcert=system"),
    ("?sslmode=verify_full", "Use verify-full", "?sslmode=verify-full&sslrootcert=system"),
    ("?sslmode=disabled", "Use require, verify-ca or verify-full", "?sslmode=require"),
    ("?sslmode=on", "Use require, verify-ca or verify-full", "?sslmode=require"),
    ("?sslmode=no-verify", "Use sslmode=require", "?sslmode=require"),
    ("?sslmode=disable", "Use sslmode=require or stronger", "?sslmode=require"),
    ("?sslmode=verify-ca", "Add sslrootcert=/path, or sslrootcert=system", "?sslmode=verify-full&sslrootcert=system"),
    ("?sslmode=verify-full", "sslrootcert=system for a public CA", "?sslmode=verify-full&sslrootcert=system"),
    ("?ssl=false", "Use sslmode=require", "?sslmode=require"),
    ("?tls=true", "Use sslmode=require", "?sslmode=require"),
    ("?requiressl=1", "Use sslmode=require", "?sslmode=require"),
    ("?SSLMODE=require", "Use sslmode, in lower case", "?sslmode=require"),
    ("?timeout=5", "Use connect_timeout, in seconds", "?connect_timeout=5"),
    ("?charset=utf8", "Use client_encoding", "?client_encoding=utf8"),
    ("?statement_timeout=5s", "options=-c%20name%3Dvalue", "?options=-c%20statement_timeout%3D5s"),
    ("?connect_timeout=", "Write one, or remove connect_timeout", "?connect_timeout=5"),
    ("?sslcert=/etc/hostname", "Name both files, or neither", ""),
    ("?sslkeylogfile=/x", "Remove it", ""),
    ("?gssencmode=require", "Use gssencmode=disable", "?gssencmode=disable&sslmode=require"),
    ("?a=b=c", "Write %3D in its value", "?application_name=b%3Dc"),
]


@pytest.mark.parametrize(("query", "told", "corrected"), FOLLOWED)
def test_message_names_the_remedy(query: str, told: str, corrected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"DATABASE_URL": f"{URL}{query}"}, env_file=None)
    (problem,) = caught.value.problems
    assert problem.variable == "DATABASE_URL"
    assert ". " in problem.message
    assert told in problem.message.partition(". ")[2]
    assert load({"DATABASE_URL": f"{URL}{corrected}"}, env_file=None).database.origin.variable == "DATABASE_URL"
