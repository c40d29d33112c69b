"""How large the house is, how tangled, and what it costs to enter: this checkout, and another commit beside it.

tests/house                            # the checkout as it is
tests/house v1.0                       # that commit beside it
tests/house --instructions             # also count instructions, with valgrind
tests/house --benchmarks               # also run tests/benchmarks/figures.py, which measures times
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
URL = "postgresql://app:p%40ss@db.example.org:6000/main?sslmode=require"
LOAD = "import envconn; envconn.load()"
SMALL = 40


def main() -> None:
    """Print a column for each tree, and below them the names behind the checkout's figures."""
    options = parser().parse_args()
    with tempfile.TemporaryDirectory() as scrap:
        trees = {commit: unpacked(commit, Path(scrap, commit)) for commit in options.commits} | {"checkout": ROOT}
        columns = {name: figures(House(tree), instructions=options.instructions) for name, tree in trees.items()}
        print(*table(columns), "", *names_behind(House(ROOT)), sep="\n")
        for name, tree in trees.items() if options.benchmarks else ():
            print(f"\nbenchmarks of {name}", run(tree, str(tree / "tests" / "benchmarks" / "figures.py")), sep="\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    known = argparse.ArgumentParser(prog="tests/house", description=(__doc__ or "").splitlines()[0])
    known.add_argument("commits", metavar="COMMIT", nargs="*", help="shown beside the checkout")
    known.add_argument("--instructions", action="store_true", help="count instructions with valgrind")
    known.add_argument("--benchmarks", action="store_true", help="run tests/benchmarks/figures.py, too")
    return known


def unpacked(commit: str, place: Path) -> Path:
    """Unpack what `commit` has."""
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(place, filter="data")
    return place


class House:
    """The modules of a tree, by name, and what they import of each other."""

    def __init__(self, tree: Path) -> None:
        """Read every module below `tree`."""
        self.tree = tree
        roots = (tree / "src", tree / "integrations")
        self.paths = {dotted(path, root): path for root in roots for path in sorted(root.rglob("*.py"))}
        self.texts = {name: path.read_text(encoding="utf-8") for name, path in self.paths.items()}
        self.imports = {name: set(self.imported(name)) - {name} for name in self.paths}

    def imported(self, name: str) -> list[str]:
        """Modules of ours that `name` imports: at its top, in a function, for type checkers alone."""
        found = []
        for node in ast.walk(ast.parse(self.texts[name])):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self.absolute(name, node)
                names = [f"{base}.{alias.name}" for alias in node.names]
                found += [each if each in self.paths else base for each in names]
        return [each for each in found if each in self.paths]

    def absolute(self, name: str, node: ast.ImportFrom) -> str:
        """Resolve the module of a `from` statement."""
        package = self.paths[name].name == "__init__.py"
        parts = name.split(".")
        kept = parts[: len(parts) - node.level + package] if node.level else []
        return ".".join([*kept, *filter(None, [node.module])])

    def cycles(self) -> list[list[str]]:
        """Return groups of modules each of which imports all others of it, be it by way of third ones."""
        reach = {name: self.reached(name) for name in self.paths}
        groups = {
            tuple(sorted(other for other in reach[name] if name in reach[other]))
            for name in self.paths
            if name in reach[name]
        }
        return sorted(map(list, groups), key=len, reverse=True)

    def reached(self, name: str) -> set[str]:
        """Return all that `name` imports, and what that imports."""
        seen: set[str] = set()
        ahead = [name]
        while ahead:
            more = self.imports[ahead.pop()] - seen
            seen |= more
            ahead += more
        return seen

    def repeated(self) -> dict[str, list[str]]:
        """Return file names that more than one file has, but for those that Python or Django look for."""
        by_name: dict[str, list[str]] = {}
        for name, path in self.paths.items():
            if path.stem not in {"__init__", "__main__", "base"}:
                by_name.setdefault(path.stem, []).append(name)
        return {stem: names for stem, names in sorted(by_name.items()) if len(names) > 1}

    def small(self) -> list[str]:
        """Return files outside of the providers that have fewer than 40 lines."""
        return [name for name in self.paths if not provider(name) and self.texts[name].count("\n") < SMALL]


def dotted(path: Path, root: Path) -> str:
    """Return the name by which a file is imported."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def provider(name: str) -> bool:
    """Whether a module lies in the folder with a record for each provider."""
    return name.startswith("envconn.providers")


FIGURES: dict[str, Callable[[House], object]] = {
    "source files": lambda house: len(house.paths),
    "  outside providers/": lambda house: sum(not provider(name) for name in house.paths),
    f"  of these, below {SMALL} lines": lambda house: len(house.small()),
    "lines": lambda house: sum(text.count("\n") for text in house.texts.values()),
    "import cycles": lambda house: len(house.cycles()),
    "  modules in them": lambda house: sum(map(len, house.cycles())),
    "file names that occur twice": lambda house: len(house.repeated()),
}
LOADED = {
    "modules after load()": "modules",
    "  of ours": "own",
    "classes made by ours": "classes",
    "patterns compiled by ours": "patterns",
    "calls between modules for one URL": "moves",
    "  modules that take part": "between",
    "  questions to the environment": "questions",
}


def figures(house: House, *, instructions: bool) -> dict[str, str]:
    """Return the figures of a tree by their titles."""
    static = {title: str(figure(house)) for title, figure in FIGURES.items()}
    loaded = json.loads(run(house.tree, str(Path(__file__).with_name("counted_load.py"))))
    found = static | {title: str(loaded[key]) for title, key in LOADED.items()}
    return found | ({"million instructions of load()": counted(house.tree)} if instructions else {})


def run(tree: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> str:
    """Run this Python on a tree, with one database in its environment, and return what it prints."""
    search = os.pathsep.join(str(tree / folder) for folder in ("src", "integrations"))
    environ = {"DATABASE_URL": URL, "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": search}
    command = [*prefix, sys.executable, "-P", *arguments]
    with tempfile.TemporaryDirectory() as empty:
        return subprocess.run(command, env=environ, cwd=empty, check=True, text=True, stdout=subprocess.PIPE).stdout


def counted(tree: Path) -> str:
    """Count the instructions of a process that loads, by valgrind; the first run leaves the .pyc files."""
    run(tree, "-c", LOAD)
    with tempfile.TemporaryDirectory() as scrap:
        log = Path(scrap, "log")
        valgrind = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={scrap}/out", f"--log-file={log}")
        run(tree, "-c", LOAD, prefix=valgrind)
        total = re.search(r"refs:\s+([\d,]+)", log.read_text(encoding="utf-8"))
    return f"{int(total[1].replace(',', '')) / 1e6:.1f}" if total else "unknown"


def table(columns: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield a line for each figure, with a column for each tree."""
    yield f"{'':36}" + "".join(f"{name[:12]:>14}" for name in columns)
    for title in next(iter(columns.values())):
        yield f"{title:36}" + "".join(f"{column[title]:>14}" for column in columns.values())


def names_behind(house: House) -> Iterator[str]:
    """Yield what is in each cycle, which names occur twice, and which files are small."""
    for cycle in house.cycles():
        yield f"cycle of {len(cycle)}: {', '.join(cycle)}"
    for stem, names in house.repeated().items():
        yield f"{stem} occurs {len(names)} times: {', '.join(names)}"
    yield f"below {SMALL} lines: {', '.join(house.small()) or 'none'}"


if __name__ == "__main__":
    main()
