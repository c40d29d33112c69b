"""Build the documentation site into a folder; ``tests/site DIRECTORY`` runs it.

The pages are the Markdown files of the repository, and the reference is made of the docstrings of what is public.
"""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import posixpath
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
HOOK = runpy.run_path(str(ROOT / "hatch_build.py"))
FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
MANY, MOST = 6, 10
"""Columns beyond which a table is wider than the text, and than the page beside its navigation."""
INTEGRATIONS = sorted(path.name for path in (ROOT / "integrations").glob("envconn_*"))


def addresses() -> dict[str, str]:
    """Return the addresses in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["addresses"])


def files() -> Iterator[str]:
    """Yield the Markdown files that become pages, by their paths in the repository."""
    for pattern in ("*.md", "docs/*.md", "*/README.md"):
        yield from sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))


def name(file: str) -> str:
    """Return the name that the page of `file` has among the pages."""
    return f"{HOOK['page'](file).removesuffix('/') or 'index'}.md"


def page(file: str) -> str:
    """Return the text of the page of `file`: its links lead to other pages, or to the repository."""
    known, repository = set(files()), addresses()["repository"]

    def link(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(file), found[0]))
        return name(target) if target in known else f"{repository}/blob/main/{target}"

    parts = FENCED.split((ROOT / file).read_text(encoding="utf-8"))
    parts[::2] = [TABLE.sub(_wide, HOOK["RELATIVE"].sub(link, part)) for part in parts[::2]]
    text = "".join(parts)
    return f"{_ALONE}{text}" if _WIDEST in text else text


_ALONE = "---\nhide: [navigation, toc]\n---\n\n"
"""What leaves the whole width of the window to a page."""
_WIDEST = "wide widest"


def _wide(table: re.Match[str]) -> str:
    columns = table[0].partition("\n")[0].count("|") - 1
    if columns <= MANY:
        return table[0]
    return f'<div class="{_WIDEST if columns > MOST else "wide"}" markdown>\n\n{table[0]}\n</div>\n'


def reference() -> Iterator[tuple[str, str]]:
    """Yield the module and the text of each page about what is public in Python, from its docstrings."""
    for module in ("envconn", *INTEGRATIONS):
        public = [each for each in import_module(module).__all__ if each != "__version__"]
        entries = "".join(f"\n::: {_home(module, each)}\n" for each in sorted(public, key=str.lower))
        yield module, f"# {module}\n{entries}"


def _home(module: str, public: str) -> str:
    """Return the dotted name of what is `public`: where it is defined, because most are loaded when first used."""
    found = getattr(import_module(module), public)
    return f"{getattr(found, '__module__', module)}.{public}"


def build(target: Path) -> int:
    """Write the site into `target`, which is replaced, and return the generator's exit code."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        collect(work)
        command = [str(Path(sys.executable).with_name("zensical")), "build", "--clean", "--strict"]
        done = subprocess.run(command, cwd=work, check=False)  # noqa: S603 - the generator beside this Python
        if not done.returncode:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(work / "site", target)
        return done.returncode


def collect(work: Path) -> None:
    """Write the configuration and the pages into `work`, where a generator finds them."""
    configuration = (ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8")
    (work / "mkdocs.yml").write_text(f"{configuration}site_url: {addresses()['site']}\n", encoding="utf-8")
    for sources in ("src", "integrations"):
        (work / sources).symlink_to(ROOT / sources)
    pages = work / "pages"
    (pages / "reference").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "wide.css", pages)
    for file in files():
        (pages / name(file)).write_text(page(file), encoding="utf-8")
    for module, text in reference():
        (pages / "reference" / f"{module}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]).absolute()))
