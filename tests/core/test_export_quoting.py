"""Passwords and names that need quoting come out at the other side as they were.

The readers in Python are asked themselves, those in other languages by the rule that they follow.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
import sqlalchemy

import envconn
from envconn.export import render

if TYPE_CHECKING:
    from collections.abc import Callable

HARD = [
    *("it's", '"quoted"', "$HOME ${HOME} `id`", "#no comment", "a:b\\:c\\\\n", " blanks ", "\u00fc\u4e16\U0001f600"),
    *("%41&x=y", "\\", "a+b/c?d@e", "a\nb\tc\x01", "%2541", ";x=1;'", '"";'),
]

Read = tuple[str, str, str]
"""Password, user, application_name."""


def java(text: str) -> Read:
    """URLDecoder takes a plus for a blank, like parse_qs."""
    query = parse_qs(text.partition("?")[2].rstrip("\n"), strict_parsing=True)
    return query["password"][0], query["user"][0], query["ApplicationName"][0]


def url(text: str) -> Read:
    """A URL as WHATWG, Go and Rust read it."""
    (found,) = re.findall(r"postgresql://[^'\n]+", text)
    parts = urlsplit(found)
    name = re.findall(r"[?&]application_name=([^&]*)", found)[0]
    assert "+" not in name, "a blank to some, and a plus to others"
    return unquote(parts.password or ""), unquote(parts.username or ""), unquote(name)


def dotnet(text: str) -> Read:
    """DbConnectionStringBuilder: in double quotes, where two stand for one, up to the next semicolon."""
    pair = r'([A-Za-z ]+)=("(?:[^"]|"")*"|[^;"\']*)(?:;|\n$)'
    assert re.sub(pair, "", text) == "", "nothing is left over"
    found = {name: re.sub(r'^"|"$', "", value).replace('""', '"') for name, value in re.findall(pair, text)}
    return found["Password"], found["Username"], found["Application Name"]


def alchemy(text: str) -> Read:
    read = sqlalchemy.make_url(text.rstrip("\n"))
    return str(read.password), str(read.username), str(read.query["application_name"])


READERS: dict[str, Callable[[str], Read]] = {
    "jdbc": java,
    "node-postgres": url,
    "pgx": url,
    "prisma": url,
    "npgsql": dotnet,
    "sqlalchemy": alchemy,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("hard", HARD)
def test_read_back(hard: str, name: str) -> None:
    plain = re.sub(r"[\x00-\x1f]", "", hard)  # elsewhere than in a password they are refused
    login = f"{quote(plain, safe='')}:{quote(hard, safe='')}"
    connection = envconn.secure(
        envconn.parse(f"postgresql://{login}@db.example/app?application_name={quote(plain, safe='')}", "DATABASE_URL")
    )
    assert READERS[name](render(connection, name)) == (hard, plain, plain)  # type: ignore[arg-type]
