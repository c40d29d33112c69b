"""What a package index shows: links that work there, addresses of one place, classifiers that match what is tested."""

from __future__ import annotations

import re
import runpy
import tomllib
from importlib.metadata import metadata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"]\(([^)#\s]*)#?[^)]*\)")


@pytest.fixture
def addresses(checkout: Path) -> dict[str, str]:
    """Return the addresses in pyproject.toml."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["addresses"])


@pytest.fixture
def pages(checkout: Path, addresses: dict[str, str]) -> set[str]:
    """Return the address of every page of the site."""
    page = runpy.run_path(str(checkout / "hatch_build.py"))["page"]
    files = [*checkout.glob("*.md"), *checkout.glob("docs/*.md"), *checkout.glob("*/README.md")]
    return {addresses["site"] + page(str(file.relative_to(checkout))) for file in files}


@pytest.mark.checkout
def test_every_link_of_the_readme_leads_to_a_page_of_the_site(pages: set[str]) -> None:
    links = LINK.findall(str(metadata("envconn").json["description"]))
    assert len(links) > 20
    assert set(links) - pages == set()


@pytest.mark.checkout
def test_every_page_is_in_the_navigation_of_the_site(
    checkout: Path, addresses: dict[str, str], pages: set[str]
) -> None:
    navigation = (checkout / "docs" / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^ +- (?:.*: )?([\w-]+)\.md$", navigation, re.MULTILINE)
    assert {f"{page.removeprefix(addresses['site']).removesuffix('/') or 'index'}" for page in pages} == set(listed)


@pytest.mark.checkout
def test_the_addresses_lead_to_pages_of_the_site(addresses: dict[str, str], pages: set[str]) -> None:
    found = dict(each.split(", ") for each in metadata("envconn").get_all("Project-URL") or ())
    assert found.pop("Source") == addresses["repository"]
    assert found.pop("Issues").startswith(addresses["repository"])
    assert {"Documentation", "Codes", "Changelog", "Security"} == set(found)
    assert set(found.values()) - pages == set()


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
