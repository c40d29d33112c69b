"""The page on codes and the published schema name every code there is, and none that there is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from codes import in_findings, in_notes, in_problems, words
from envconn import TlsLevel
from envconn.probe import FAULTS
from envconn.providers import all_providers
from envconn.providers.table import TABLE
from envconn.remote.api_errors import REMOTE_FAULTS as REMOTE
from envconn.sources.order import FETCHED

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.checkout

# A CA's file is read like any other; what is wrong with it has a code of its own.
MADE = {"ca-binary", "ca-directory", "ca-special", "ca-too-large", "ca-unreadable"}

# In two sections.
TWICE = {"default-role", "driver-missing", "secrets-unlisted"}

# What has a hyphen and is no code: words of clients and formats.
OTHERS = {
    *("json-unless-none", "node-postgres", "py-amqp", "redis-py", "scram-sha-256", "latin-1", "utf-16-be", "utf-8"),
    *("osc-fr1", "public-rw", "private-peering-rw", "reset-default", "retry-after", "accept-encoding", "content-type"),
    *("no-verify", "prefer-standby", "read-only", "read-write"),
    *("ssl-ca", "ssl-cert", "ssl-crl", "ssl-key", "ssl-mode"),
    "cloud-foundry",
    *("compute-1", "us-east-1"),
    *("app-service", "aurora-mysql", "aurora-postgresql", "private-key"),
    *(level.sslmode for level in TlsLevel),
    *(provider.name for provider in all_providers()),
    *TABLE,
    *FETCHED,
}

Row = tuple[str, ...]


@pytest.fixture
def page(checkout: Path) -> dict[str, dict[str, Row]]:
    """The rows by section and code, each without the code."""
    text = (checkout / "docs" / "codes.md").read_text(encoding="utf-8")
    sections: dict[str, dict[str, Row]] = {}
    for title, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        rows = [re.findall(r"(?<=\|)[^|]*(?=\|)", line) for line in body.splitlines() if line.startswith("| `")]
        sections[title] = {code.strip(" `"): tuple(cell.strip() for cell in cells) for code, *cells in rows}
        assert len(sections[title]) == len(rows), f"a code is in {title} twice"
    return sections


def test_every_problem_is_on_the_page(page: dict[str, dict[str, Row]]) -> None:
    environment, programs = page["The environment"].keys(), page["Programs"].keys()
    elsewhere = {*FAULTS, *page["Providers' APIs"], *page["Notes"], *in_findings()}
    problems = in_problems() | words() - OTHERS
    assert (environment | programs) - MADE - TWICE == problems - elsewhere
    assert environment >= MADE
    assert not environment & programs


def test_every_live_fault_is_on_the_page(page: dict[str, dict[str, Row]]) -> None:
    told = {code: (int(row[0]), row[1] == "helps") for code, row in page["Live servers"].items()}
    assert told == {code: (fault.exit_code, fault.passes) for code, fault in FAULTS.items()}
    for code, row in page["Live servers"].items():
        assert row[2].lower().startswith(FAULTS[code].meaning.lower()), code


def test_every_fault_of_an_api_is_on_the_page(page: dict[str, dict[str, Row]]) -> None:
    told = {code: (int(row[0]), row[1] == "helps") for code, row in page["Providers' APIs"].items()}
    known = {code: (fault.exit_code, fault.passes) for code, fault in REMOTE.items()}
    assert told == {**known, "env-file-unwritable": (78, False)}


def test_every_note_is_on_the_page(page: dict[str, dict[str, Row]]) -> None:
    told = page["Notes"].keys()
    assert in_notes() - FAULTS.keys() <= told <= in_notes() | words()


def test_every_finding_of_django_is_on_the_page(page: dict[str, dict[str, Row]]) -> None:
    assert page["Django's checks"].keys() == in_findings()


def test_every_row_says_something(page: dict[str, dict[str, Row]]) -> None:
    for section, rows in page.items():
        for code, row in rows.items():
            sentences = [cell for cell in row if cell not in {"", "helps"} and not cell.isdigit()]
            assert len(sentences) == (1 if section == "Notes" else 2), code
            assert all(sentence.endswith((".", ")")) for sentence in sentences), code
