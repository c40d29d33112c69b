"""The list of sources: what it says is what happens, on the page, in the command and in the order of belief."""

from __future__ import annotations

import json
import re
import runpy
from base64 import b64encode
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import pytest

from documents import strict, understood
from envconn.cli import main
from envconn.cli.check import inventory
from envconn.connection import Origin, Secret
from envconn.selection import select_services
from envconn.sources import Text
from envconn.sources.order import FETCHED, SOURCES, title
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Given(NamedTuple):
    """What is handed to `select_services`."""

    environ: dict[str, str]
    dotenv: str
    layers: list[dict[str, Text]]
    root: Path


def uri(host: str) -> str:
    return f"postgresql://u:{MARKER}@{host}.example/d"


def write(path: Path, content: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return str(path)


def secrets(given: Given) -> None:
    given.environ["ENVCONN_SECRETS_DIR"] = str(given.root / "secrets")
    write(given.root / "secrets" / "database_url", uri("secrets"))


def credentials(given: Given) -> None:
    given.environ["CREDENTIALS_DIRECTORY"] = str(given.root / "credentials")
    write(given.root / "credentials" / "DATABASE_URL", uri("credentials"))


def binding(given: Given) -> None:
    given.environ["SERVICE_BINDING_ROOT"] = str(given.root / "bindings")
    write(given.root / "bindings" / "binding" / "type", "postgresql")
    write(given.root / "bindings" / "binding" / "uri", uri("binding"))


def relationship(given: Given) -> None:
    endpoint = {"scheme": "pgsql", "host": "relationship.example", "username": "u", "path": "d"}
    given.environ["PLATFORM_RELATIONSHIPS"] = b64encode(json.dumps({"relationship": [endpoint]}).encode()).decode()


def vcap(given: Given) -> None:
    document = {"p": [{"name": "vcap", "credentials": {"uri": uri("vcap")}}]}
    given.environ["VCAP_SERVICES"] = json.dumps(document)


FILLED: dict[str, Callable[[Given], object]] = {
    "environment": lambda given: given.environ.update(DATABASE_URL=uri("environment")),
    "file": lambda given: given.environ.update(DATABASE_URL_FILE=write(given.root / "file", uri("file"))),
    "secrets": secrets,
    "credentials": credentials,
    "program": lambda given: given.layers.append(
        {"DATABASE_URL": Text(Secret(uri("program")), Origin("DATABASE_URL", "program"))}
    ),
    "app-service": lambda given: given.environ.update(CUSTOMCONNSTR_DATABASE_URL=uri("app-service")),
    "dotenv": lambda given: write(given.root / "dotenv", f"DATABASE_URL={uri('dotenv')}\n"),
    "binding": binding,
    "vcap": vcap,
    "relationship": relationship,
    "connstr": lambda given: given.environ.update(POSTGRESQLCONNSTR_connstr=uri("connstr")),
}
BOUND = ("binding", "vcap", "relationship", "connstr")


@pytest.fixture
def given(tmp_path: Path) -> Given:
    write(tmp_path / "dotenv", "")
    return Given({}, str(tmp_path / "dotenv"), [], tmp_path)


def test_every_source_is_tried() -> None:
    assert list(FILLED) == [source.word for source in SOURCES]
    assert len({source.title for source in SOURCES}) == len(SOURCES)
    assert title("somebody's own word") == title("program")
    assert strict()["$defs"]["source"]["enum"] == [*FILLED, "argument", "remote", *FETCHED]


@pytest.mark.parametrize("word", FILLED)
def test_each_alone(given: Given, word: str) -> None:
    FILLED[word](given)
    report = select_services(given.environ, given.dotenv, layers=given.layers).report
    assert report.ok, report
    service = report.services["database"]
    assert (service.host, service.origin.source) == (f"{word}.example", word)
    places = {place.source.word: place for place in inventory(given.environ, given.dotenv, given.layers)}
    variable = service.origin.variable
    assert places[word].is_there
    assert variable in places[word].names
    assert all(variable not in place.names for other, place in places.items() if other != word)


@pytest.mark.parametrize(("upper", "lower"), [*combinations(FILLED, 2)])
def test_each_pair(given: Given, upper: str, lower: str) -> None:
    """The list, pair by pair. Where one wins, the other is noted by its place; bound services contradict."""
    FILLED[upper](given)
    FILLED[lower](given)
    report = select_services(given.environ, given.dotenv, layers=given.layers).report
    assert MARKER not in str(report)
    if lower == "dotenv" or (upper == "dotenv" and lower in BOUND):
        trusted = ({upper, lower} - {"dotenv"}).pop()
        assert report.services["database"].origin.source == trusted
        assert [note.code for note in report.notes] == ["dotenv-ignored"]
    elif "file" in {upper, lower} and lower not in BOUND:
        (problem,) = report.problems
        assert problem.code == "file-conflict"
        other = title(upper if lower == "file" else lower)
        assert problem.message == (
            f"is set by {other}, and DATABASE_URL_FILE holds a different value. Keep one of the two"
        )
    elif lower not in BOUND:
        assert report.services["database"].origin.source == upper
        (note,) = report.notes
        assert note.code == "source-ignored"
        assert note.message == f"{title(upper)} overrides the different value in {title(lower)}"
    else:
        (problem,) = report.problems
        assert problem.code == ("binding-ambiguous" if upper in BOUND else "variable-conflict")
        assert {upper, lower} - {"environment", "file"} or problem.variable == "DATABASE_URL"
        assert lower in str(problem)


def test_blank_higher_up_switches_off_what_is_below(given: Given) -> None:
    secrets(given)
    report = select_services({**given.environ, "DATABASE_URL": " "}, None).report
    assert [problem.code for problem in report.problems] == ["database-missing"]


def test_chosen_variables_are_listed(given: Given) -> None:
    places = inventory({"MINE": uri("mine"), "ENVCONN_DATABASE_VARIABLE": "MINE", "OTHER": uri("other")}, None)
    assert places[0].names == ("ENVCONN_DATABASE_VARIABLE", "MINE")
    assert [place.is_there for place in places] == [True] + [False] * (len(SOURCES) - 1)


def test_there_with_nothing_in_it(given: Given) -> None:
    (given.root / "empty").mkdir()
    environ = {"SERVICE_BINDING_ROOT": str(given.root / "empty"), "VCAP_SERVICES_FILE_PATH": "/nowhere"}
    places = {place.source.word: place for place in inventory(environ, given.dotenv, [{}])}
    for word in ("dotenv", "binding", "vcap", "program"):
        assert (places[word].is_there, places[word].names) == (True, ())


@pytest.fixture
def page(checkout: Path) -> str:
    return (checkout / "docs" / "sources.md").read_text(encoding="utf-8")


@pytest.mark.checkout
def test_page_has_the_list(checkout: Path, page: str) -> None:
    script = runpy.run_path(str(checkout / "docs" / "generate.py"))
    assert script["sources_page"](page) == page, "run tests/pages"
    assert re.findall(r"^\| \d+ \| `([a-z-]+)` \|", page, re.MULTILINE) == list(FILLED)


@pytest.mark.checkout
def test_json_on_the_page_is_read(page: str) -> None:
    (example,) = re.findall(r"```json\n(.*?)\n```", page, re.DOTALL)
    assert select_services({"DATABASE_URL": example}, None).report.services["database"].host == "db.example.com"


def test_show(given: Given, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    secrets(given)
    vcap(given)
    for name, value in given.environ.items():
        monkeypatch.setenv(name, value)
    assert main(["show", "--sources", "--env-file", given.dotenv]) == 78
    output = capsys.readouterr()
    assert MARKER not in output.out + output.err
    _, listing = output.out.split("sources, in order of precedence:\n")
    listing, _ = listing.split("names read for")
    lines = dict(line.strip().split(": ", 1) for line in listing.splitlines())
    assert list(lines) == [source.title for source in SOURCES]
    assert lines["ENVCONN_SECRETS_DIR"] == "DATABASE_URL"
    assert lines["VCAP_SERVICES"] == "VCAP_SERVICES/vcap"
    assert (lines[".env"], lines["SERVICE_BINDING_ROOT"]) == ("nothing that is read", "not there")
    assert "VCAP_SERVICES/vcap (on vcap.example)" in output.err


@pytest.mark.parametrize("command", [["show", "--json"], ["show", "--json", "--sources"], ["check", "--json"]])
def test_json(command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", uri("environment"))
    assert main(command) == 0
    document = understood(capsys.readouterr().out)
    if "--sources" not in command:
        assert document["sources"] is document["names"] is None
        return
    assert {"SCALINGO_POSTGRESQL_URL", "DB_HOST", "MYSQL_URL"} < {*document["names"]}
    assert [place["source"] for place in document["sources"]] == list(FILLED)
    assert document["sources"][0]["names"] == ["DATABASE_URL"]


def test_show_without_it_lists_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", uri("environment"))
    assert main(["show"]) == 0
    assert "sources" not in capsys.readouterr().out


def test_each_name_that_is_listed_names_the_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", uri("environment"))
    assert main(["show", "--sources"]) == 0
    _, listing = capsys.readouterr().out.split("names read for the default database, in order of precedence:\n")
    names = listing.replace(",", " ").split()
    assert names[:2] == ["SCALINGO_POSTGRESQL_URL", "DATABASE_URL"]
    assert len(names) == len({*names}) > 30
    for name in names:  # also one for a host may hold the whole connection
        assert "database" in select_services({name: uri("h")}, None).report.services, name
