"""What a package index shows: links that work there, addresses of one place, classifiers that match what is tested."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"]\(([^)#\s]*)#?[^)]*\)")


@pytest.fixture
def site(checkout: Path) -> str:
    """Return the one address in pyproject.toml."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["site"])


@pytest.mark.checkout
def test_every_link_of_the_readme_leads_to_a_file_of_the_site(checkout: Path, site: str) -> None:
    links = LINK.findall(str(metadata("envconn").json["description"]))
    assert len(links) > 20
    assert [link for link in links if not link.startswith(site)] == []
    assert [link for link in links if not (checkout / link.removeprefix(site)).exists()] == []


@pytest.mark.checkout
def test_the_addresses_lead_to_files_of_the_site(checkout: Path, site: str) -> None:
    found = dict(each.split(", ") for each in metadata("envconn").get_all("Project-URL") or ())
    assert {"Documentation", "Source", "Changelog", "Security"} <= set(found)
    assert [url for url in found.values() if not url.startswith(site)] == []
    assert [url for url in found.values() if not (checkout / url.removeprefix(site)).exists()] == []


@pytest.mark.checkout
@pytest.mark.parametrize(
    "page", ["README.md", "SECURITY.md", "CONTRIBUTING.md", "docs", "examples", "integrations", "tests"]
)
def test_every_link_leads_to_a_file_and_to_a_heading(checkout: Path, page: str) -> None:
    place = checkout / page
    for path in [place] if place.is_file() else sorted(place.glob("*.md")):
        for target, anchor in re.findall(r"]\((?!\w+:)([^)#\s]*)#?([^)]*)\)", prose(path)):
            file = path.parent / target if target else path
            assert file.exists(), f"{path.name}: {target}"
            assert not anchor or anchor in headings(file), f"{path.name}: {target}#{anchor}"


def prose(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def headings(path: Path) -> set[str]:
    found = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}
