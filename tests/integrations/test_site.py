"""The documentation site: every page is reached, every link leads somewhere, and a browser finds no error."""

from __future__ import annotations

import functools
import json
import os
import re
import runpy
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import metadata
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

import browser
from envconn.cli.explain import codes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.checkout, pytest.mark.application]

HOST = "http://site.test/"
WIDTHS = (1280, 390)


class Page(HTMLParser):
    """What a page leads to, what it loads, and its anchors."""

    def __init__(self, address: str, text: str) -> None:
        """Read the page at `address`."""
        super().__init__()
        self.address, self.links, self.loads, self.anchors = address, list[str](), list[str](), {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(urljoin(self.address, given["href"]))
        if tag == "link" and given.get("rel") in {"canonical", "next", "prev"}:
            return
        if tag in {"img", "link", "script"}:
            self.loads += [urljoin(self.address, given[name]) for name in ("src", "href") if name in given]


@pytest.fixture(scope="module")
def script(checkout: Path) -> dict[str, object]:
    return runpy.run_path(str(checkout / "docs" / "site.py"))


@pytest.fixture(scope="module")
def addresses(script: dict[str, object]) -> dict[str, str]:
    read = script["addresses"]
    assert callable(read)
    return dict(read())


@pytest.fixture(scope="module")
def site(script: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, as the command builds it."""
    target = tmp_path_factory.mktemp("site") / "built"
    build = script["build"]
    assert callable(build)
    assert build(target) == 0
    return target


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Return every page by its address."""
    found = {}
    for path in site.rglob("index.html"):
        address = urljoin(HOST, f"{path.parent.relative_to(site).as_posix()}/".removeprefix("./"))
        found[address] = Page(address, path.read_text(encoding="utf-8"))
    return found


def test_every_link_and_anchor_exists(
    site: Path, pages: dict[str, Page], addresses: dict[str, str], checkout: Path
) -> None:
    source, wrong = f"{addresses['repository']}/blob/main/", []
    for page in pages.values():
        for link in page.links:
            address, anchor = urldefrag(link if link.startswith(source) else link.replace(addresses["site"], HOST))
            if address.startswith(source):
                wrong += [] if (checkout / address.removeprefix(source)).exists() else [(page.address, link)]
            elif not address.startswith(HOST):
                assert urlsplit(address).scheme in {"https", "mailto"}, address
            elif address not in pages:
                wrong += [] if (site / address.removeprefix(HOST)).is_file() else [(page.address, link)]
            elif anchor not in pages[address].anchors:
                wrong.append((page.address, link))
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    for page in pages.values():
        missing = [each for each in page.loads if not (site / urldefrag(each)[0].removeprefix(HOST)).is_file()]
        assert missing == [], page.address


def test_every_page_is_in_the_navigation_of_the_first(pages: dict[str, Page]) -> None:
    """Zensical does not say so itself, not even in its strict mode."""
    assert len(pages) > 30
    linked = {urldefrag(link)[0] for link in pages[HOST].links}
    reached = linked | {urldefrag(link)[0] for address in linked & set(pages) for link in pages[address].links}
    assert set(pages) - reached == set()


def test_the_links_of_the_metadata_lead_to_pages(pages: dict[str, Page], addresses: dict[str, str]) -> None:
    own = addresses["site"]
    text = str(metadata("envconn").json["description"]) + " ".join(metadata("envconn").get_all("Project-URL") or ())
    links = [urldefrag(link) for link in re.findall(rf"{re.escape(own)}[^)\s]*", text)]
    wrong = {link.url for link in links if link.url.replace(own, HOST) not in pages}
    assert {link for link in wrong if not link.startswith(addresses["repository"])} == set()


def test_every_code_is_found_at_its_address_and_by_the_search(site: Path, pages: dict[str, Page]) -> None:
    assert set(codes()) <= pages[f"{HOST}codes/"].anchors
    (index,) = site.rglob("search.json")
    locations = [entry["location"] for entry in json.loads(index.read_text(encoding="utf-8"))["items"]]
    assert "codes/#ca-missing" in locations


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Tab]:
    program = browser.found()
    if program is None:
        pytest.skip("there is no Chromium")
    with browser.tab(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the site, and return its address."""
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """A server that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        pass


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways_or_writes_an_error(
    width: int, tab: browser.Tab, address: str, pages: dict[str, Page]
) -> None:
    tab.size(width, dark=width == WIDTHS[1])
    found = {page: tab.visit(page.replace(HOST, address)) for page in sorted(pages)}
    assert {page: seen.errors for page, seen in found.items() if seen.errors} == {}
    assert {page: seen.sideways for page, seen in found.items() if seen.sideways > 0} == {}


def test_the_browser_would_see_both(tab: browser.Tab, address: str, site: Path) -> None:
    page = "<title>x</title><div style='width: 3000px'>x</div><script>missing()</script>"
    (site / "wrong.html").write_text(page, encoding="utf-8")
    try:
        seen = tab.visit(f"{address}wrong.html")
    finally:
        os.unlink(site / "wrong.html")
    assert seen.sideways > 0
    assert any("missing is not defined" in error for error in seen.errors)
