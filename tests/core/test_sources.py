"""Names to texts: blank, aliases, precedence. The half that ends in a problem is the longer one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envconn.connection import Origin, Secret
from envconn.sources import Environment, Text, read
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping


def dotenv(**values: str) -> dict[str, Text]:
    return {
        name: Text(Secret(value), Origin(name, "dotenv", ".env", line))
        for line, (name, value) in enumerate(values.items(), 1)
    }


@pytest.mark.parametrize(
    ("process", "text", "via", "why"),
    [
        ({"A": "x"}, "x", (), "written there"),
        ({"A": " x "}, " x ", (), "the grammar trims, and says so; a source hands over what is written"),
        ({"A": "$B", "B": "x"}, "x", ("B",), "Scalingo stores DATABASE_URL like this"),
        ({"A": "${B}", "B": "x"}, "x", ("B",), "the other spelling"),
        ({"A": " $B\n", "B": "x"}, "x", ("B",), "blanks around an alias are a slip of the editor"),
        ({"A": "$B", "B": "${C}", "C": "$D", "D": "x"}, "x", ("B", "C", "D"), "a chain is followed to its end"),
        ({"A": "$b", "b": "x"}, "x", ("b",), "names are case-sensitive, and lower case is a name"),
        ({"A": "$_1", "_1": "x"}, "x", ("_1",), "an underscore begins a name"),
        ({"A": "x$B", "B": "y"}, "x$B", (), "nothing inside of a value is a reference"),
        ({"A": "$B.c", "B": "y"}, "$B.c", (), "only a whole value is an alias"),
        ({"A": "${B}c", "B": "y"}, "${B}c", (), "also in braces"),
        ({"A": "$$B", "B": "y"}, "$$B", (), "no escape is known, so none is undone"),
        ({"A": "${B", "B": "y"}, "${B", (), "half a brace is text"),
        ({"A": "$1", "1": "y"}, "$1", (), "a digit begins no name"),
        ({"A": "${B:-y}", "B": "y"}, "${B:-y}", (), "the shell's defaults are not ours"),
        ({"A": "$a&d3*0k"}, "$a&d3*0k", (), "T35: a secret that begins with a dollar sign"),
        ({"A": "pa${b}ss", "b": "y"}, "pa${b}ss", (), "T32: unchanged"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_found(process: dict[str, str], text: str, via: tuple[str, ...], why: str) -> None:
    answer = Environment(process).lookup("A")
    assert answer.found, why
    assert (answer.found.text, answer.found.origin) == (Secret(text), Origin("A", "environment", via=via)), why
    assert not answer.problems


@pytest.mark.parametrize(
    ("process", "codes", "named", "why"),
    [
        ({"A": "$B_URL"}, ["alias-missing"], ["A", "B_URL"], "T03: both names are in the message"),
        ({"A": "${B_URL}"}, ["alias-missing"], ["A", "B_URL"], "the same in braces"),
        ({"A": "$B_URL", "B_URL": ""}, ["alias-missing"], ["A", "B_URL"], "blank is not set"),
        ({"A": "$B_URL", "B_URL": " \n"}, ["alias-missing"], ["A", "B_URL"], "so is white space"),
        ({"A": "$B_URL", "b_url": "x"}, ["alias-missing"], ["A", "B_URL"], "another case is another variable"),
        ({"A": "$B", "B": "$C_DSN"}, ["alias-missing"], ["A", "C_DSN"], "the end of the chain is what is missing"),
        ({"A": "$A"}, ["alias-cycle"], ["A"], "the shortest cycle"),
        ({"A": "$B", "B": "$A"}, ["alias-cycle"], ["A"], "T04: no RecursionError"),
        ({"A": "$B", "B": "$C", "C": "$B"}, ["alias-cycle"], ["A"], "a cycle that A only leads to"),
        ({"A": "$B", "B_FILE": "/nowhere/at/all"}, ["file-missing"], ["B_FILE"], "the target's own problem"),
        ({"A": "$B", "B": "x", "B_FILE": "/nowhere"}, ["file-missing"], ["B_FILE"], "also beside a value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(process: dict[str, str], codes: list[str], named: list[str], why: str) -> None:
    answer = Environment(process).lookup("A")
    assert answer.found is None
    assert [problem.code for problem in answer.problems] == codes, why
    assert all(name in str(answer.problems[0]) for name in named), why


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("caf\udcc3\udca9", "café"),
        ("café", "café"),
        ("caf\udce9", "caf\udce9"),
        (f"caf{chr(0xD800)}", f"caf{chr(0xD800)}"),
        ("é\udcc3\udca9", "éé"),
    ],
    ids=["ascii", "utf-8", "latin-1", "no-byte", "both"],
)
def test_a_process_in_the_c_locale(text: str, expected: str) -> None:
    """Without its UTF-8 mode, Python there decodes the bytes of UTF-8 as ASCII, with surrogates (PEP 383)."""
    answer = Environment({"A": text}).lookup("A")
    assert answer.found
    assert answer.found.text.reveal() == expected


@pytest.mark.parametrize("text", [MARKER, "Sup3rS3cret", "SECRET", "A_B", "a_url", "_URL", "A_URL_"])
@pytest.mark.parametrize("braced", [True, False], ids=["braced", "plain"])
def test_what_may_be_a_password_is_not_shown(text: str, braced: bool) -> None:  # noqa: FBT001
    """Only what ends like the name of a variable for a connection is named."""
    (problem,) = Environment({"A": f"${{{text}}}" if braced else f"${text}"}).lookup("A").problems
    assert problem.code == "alias-missing"
    assert f"{text} " not in problem.message
    assert f"{text}," not in problem.message
    assert "Set that variable, or write the value itself" in problem.message


@pytest.mark.parametrize("name", ["PGPASSWORD", "DB_PASSWORD", "DATABASE_PASSWORD", "DB_PASS"])
@pytest.mark.parametrize("direct", [True, False], ids=["direct", "behind-an-alias"])
def test_a_password_that_looks_like_an_alias_is_not_shown(name: str, direct: bool) -> None:  # noqa: FBT001
    process = {name: f"${MARKER}"} if direct else {name: "$OTHER", "OTHER": f"${MARKER}"}
    (problem,) = Environment(process).lookup(name).problems
    assert problem.code == "alias-missing"
    assert "%24" in problem.message
    assert MARKER not in str(problem)


@pytest.mark.parametrize(
    ("process", "file", "text", "notes", "why"),
    [
        ({"A": "x"}, {"A": "y"}, "x", ["dotenv-ignored"], "T18: the process wins, and that is reported"),
        ({"A": "x"}, {"A": "x"}, "x", [], "the same value twice is nothing to talk about"),
        ({"A": "x"}, {"A": ""}, "x", [], "a line of a template without a value overrules nothing"),
        ({}, {"A": "y"}, "y", [], "where the process is silent, .env counts"),
        ({"A": ""}, {"A": "y"}, None, ["variable-blank"], "blank in the process switches the line in .env off"),
        ({"A": " "}, {}, None, ["variable-blank"], "T10: white space is blank"),
        ({}, {"A": ""}, None, ["variable-blank"], "a blank line of .env is noted, too"),
        ({}, {}, None, [], "not there at all"),
        ({"A_FILE": " "}, {"A": "y"}, "y", ["variable-blank"], "a blank pointer points nowhere"),
        ({"A": " ", "A_FILE": ""}, {}, None, ["variable-blank", "variable-blank"], "both are said"),
        ({"A": "$B"}, {"B": "y"}, "y", [], "an alias leads from the process into the file"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_precedence(
    process: dict[str, str], file: dict[str, str], text: str | None, notes: list[str], why: str
) -> None:
    answer = Environment(process, [dotenv(**file)]).lookup("A")
    assert (answer.found.text if answer.found else None) == (None if text is None else Secret(text)), why
    assert [note.code for note in answer.notes] == notes, why
    assert not answer.problems


def test_names_are_each_listed_once() -> None:
    environment = Environment({"A": "x", "B": ""}, [dotenv(B="y", C="z", D="")])
    assert sorted(environment.names()) == ["A", "B", "C", "D"]
    assert repr(environment) == "<Environment>"


def test_names_with_a_fragment() -> None:
    environment = Environment({"A_URL": "", "URL": "", "A_URL_URL": ""}, [dotenv(B_URL="x", A_URL="y", URN="z")])
    assert sorted(environment.names_with("_URL")) == ["A_URL", "A_URL_URL", "B_URL"]
    assert list(environment.names_with("nothing")) == []


@pytest.mark.parametrize(
    ("process", "file", "is_set"),
    [
        ({"A": "x"}, {}, True),
        ({"A": ""}, {}, True),
        ({"A_FILE": "x"}, {}, True),
        ({}, {"A": "x"}, True),
        ({}, {"A_FILE": "x"}, True),
        ({"a": "x", "AA": "x", "A_FILES": "x"}, {}, False),
    ],
)
def test_is_set(process: dict[str, str], file: dict[str, str], is_set: bool) -> None:  # noqa: FBT001
    assert Environment(process, [dotenv(**file)]).is_set("A") is is_set


@pytest.mark.parametrize(("value", "plain"), [("x", "x"), (" x\n", "x"), (" ", ""), ("$B", "$B")])
def test_plain_is_trimmed_and_follows_nothing(value: str, plain: str) -> None:
    assert Environment({"A": value, "B": "y"}).plain("A") == plain
    assert Environment({}).plain("A") == ""


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def found(environment: Environment, names: str) -> Mapping[str, str]:
    return {name: answer.text.reveal() for name in names if (answer := environment.lookup(name).found)}


def test_several_files_the_last_wins(tmp_path: Path) -> None:
    first, second = written(tmp_path / "first", "A=1\nB=1\nC=1\n"), written(tmp_path / "second", "B=2\nC=\n")
    environment, problems = read({"D": "0"}, [first, str(second)])
    assert (found(environment, "ABCD"), problems) == ({"A": "1", "B": "2", "D": "0"}, ())
    answer = environment.lookup("B").found
    assert answer
    assert (answer.origin.path, answer.origin.line) == (str(second), 1)


def test_one_named_file_of_two_is_missing(tmp_path: Path) -> None:
    environment, problems = read({}, [tmp_path / "absent", written(tmp_path / "there", "A=1\n")])
    assert [problem.code for problem in problems] == ["file-missing"]
    assert found(environment, "A") == {"A": "1"}


def test_default_file_is_read_from_the_working_directory_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "process")
    assert found(read()[0], "AB") == {"A": "process"}
    with open(".env", "w", encoding="utf-8") as stream:
        stream.write("A=file\nB=file\n")
    assert found(read()[0], "AB") == {"A": "process", "B": "file"}
    assert found(read(env_file=None)[0], "AB") == {"A": "process"}


def test_a_file_above_the_working_directory_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """python-dotenv's own search goes up to the root, through directories in which others may write."""
    written(Path(".env"), "A=above\n")
    os.mkdir("below")
    monkeypatch.chdir("below")
    assert found(read()[0], "A") == {}


def test_a_directory_with_the_default_name_is_ignored() -> None:
    os.mkdir(".env")
    assert read({})[1] == ()
    assert read({}, os.path.abspath(".env"))[1] == ()
    os.mkdir("prod.env")
    assert [problem.code for problem in read({}, "prod.env")[1]] == ["file-directory"]
