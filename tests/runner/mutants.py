"""Break the code that decides about security, one place at a time, and expect a test to fail for each.

tests/mutants starts this. Arguments are modules of `TESTS`; without any, all of them are tried. `--seconds N` ends it
after about that time, and the next run goes on: what was noticed is kept as long as the module and its tests stay the
same, and these have to pass each time. What survives has to be in survivors.txt with a reason, and nothing else may be:
a reason that is no longer needed is an error, too.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import resource
import signal
import sys
import tempfile
import time
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

import pytest

import changed_source
from changed_source import mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from changed_source import Mutant

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "tests" / "core"
SURVIVORS = Path(__file__).with_name("survivors.txt")
KEPT = Path(os.environ.get("ENVCONN_TEST_CACHE", ROOT / ".cache")) / "mutants"
SECONDS = 60  # of computing for a mutant, whose tests may be many
AT_ONCE = os.cpu_count() or 1
UNFINISHED = 75  # EX_TEMPFAIL
CONSOLE = os.dup(1)  # pytest is not heard

TESTS = {
    "envconn.drivers.libpq": ("libpq", "libpq_demands", "libpq_keywords", "drivers", "libpq_version", "export_libpq"),
    "envconn.drivers.unsupported": ("drivers", "cases_drivers", "libpq_demands", "drivers_mysql", "drivers_redis"),
    "envconn.grammar.libpq_keywords": (
        *("libpq_keywords", "libpq", "libpq_demands", "libpq_variables", "grammar_postgres", "grammar_conninfo"),
        *("judge", "drivers", "rotation", "selection"),
    ),
    "envconn.grammar.recheck": ("recheck",),
    "envconn.rotation.reload": ("rotation", "services"),
    "envconn.selection.conflicts": ("selection", "scope", "bound_services"),
    "envconn.selection.library_variables": ("libpq_variables", "openssl_variables"),
    "envconn.selection.scope": (
        *("scope", "libpq_home", "libpq_demands", "self_signed", "libpq_default_level", "neighbours"),
        "settings_and_load",
    ),
    "envconn.tls.judge": (
        "judge",
        "libpq_default_level",
        "scope",
        "policy",
        "self_signed",
        "libpq_demands",
        "secured",
        "drivers_sentinel",
        "libpq_home",
        "ca_file",
    ),
    "envconn.tls.judged": ("secured", "judge", "selection", "providers", "drivers", "providers_loading", "passwords"),
    "envconn.tls.libpq_demands": ("libpq_demands", "libpq_home", "rotation"),
    "envconn.tls.policy": (
        "policy",
        "local_hosts",
        "libpq_default_level",
        "scope",
        "judge",
        "libpq_demands",
        "libpq_home",
    ),
}
"""By module, the files in tests/core that are about it, the likeliest to notice first."""


class Changed(MetaPathFinder, Loader):
    """Imports `name` from `code`."""

    def __init__(self, name: str, code: CodeType) -> None:
        self._name, self._code = name, code

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Find the one module."""
        return spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self._code, module.__dict__)  # noqa: S102 - which is what this is for


def main(arguments: Sequence[str]) -> int:
    """Try the mutants that are asked for, tell what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(prog="tests/mutants")
    parser.add_argument("modules", nargs="*", choices=[[], *TESTS], metavar="module")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args(arguments)
    run = Run(options.seconds)
    forget(warm_up())
    for name in options.modules or TESTS:
        run.module(name)
    return run.end(is_whole=not options.modules)


def tell(line: str) -> None:
    """Print a line, whatever pytest does with the streams."""
    os.write(CONSOLE, f"{line}\n".encode())


class Kept:
    """What came of the mutants of a module, kept for the next run in a file, for one text of it and its tests."""

    def __init__(self, module: str) -> None:
        """Read what is known of `module`, if it and its tests are what they were."""
        self.path = path(module)
        self._file = KEPT / module
        first = hashlib.sha256(b"".join(file.read_bytes() for file in deciding(module))).hexdigest()
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        if lines[:1] != [first]:
            KEPT.mkdir(parents=True, exist_ok=True)
            self._file.write_text(f"{first}\n", encoding="utf-8")
        self.noticed = {line[1:] for line in lines[1:] if line[0] == "+"} if lines[:1] == [first] else set[str]()
        self.left = {line[1:] for line in lines[1:] if line[0] == "-"} - self.noticed if lines[:1] == [first] else set()

    def add(self, mutant: str, *, is_noticed: bool) -> None:
        """Note what came of a mutant."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{'+' if is_noticed else '-'}{mutant}\n")


def deciding(module: str) -> list[Path]:
    """Return the files that say what comes of the mutants of `module`: its own, its tests, and what tests share."""
    shared = sorted(file for file in CORE.glob("*.py") if not file.stem.startswith("test_"))
    tests = [CORE / f"test_{each}.py" for each in TESTS[module]]
    return [path(module), CORE.parent / "conftest.py", *shared, *tests]


def path(module: str) -> Path:
    """Return the file with the source of `module`."""
    return ROOT.joinpath("src", *module.split(".")).with_suffix(".py")


class Run:
    """What is tried, and what came of it."""

    def __init__(self, seconds: float) -> None:
        """Begin no mutant after so many `seconds`."""
        self._end = time.monotonic() + seconds
        lines = SURVIVORS.read_text("utf-8").splitlines()
        self._explained = {line.split(" # ")[0] for line in lines if " # " in line}
        self._survived, self._seen = set[str](), set[str]()
        self._tried, self._unfinished = 0, False

    def module(self, name: str) -> None:
        """Try all mutants of one module of `TESTS`."""
        kept = Kept(name)
        every = changed_source.names(kept.path.read_text("utf-8"))
        known = kept.noticed | {each for each in kept.left if f"{name}: {each}" in self._explained}
        left = set(every) - known
        found = list(mutants(kept.path.read_text("utf-8"), str(kept.path), left))
        trying = Trying(len(found), self._end)
        self._unfinished |= time.monotonic() >= self._end
        trying.functions(TESTS[name], [(name, each, TESTS[name]) for each in found if each.in_function])
        trying.tables([(name, each, TESTS[name]) for each in found if not each.in_function])
        self._count(name, every)

    def _count(self, name: str, every: Collection[str]) -> None:
        """Tell what came of the mutants of a module that were tried, now or before."""
        kept = Kept(name)
        left = kept.left & set(every)
        done = len(left) + len(kept.noticed & set(every))
        tell(f"{name}: {len(every)} mutants, {done} tried, {len(left)} survive")
        for each in sorted(f"{name}: {each}" for each in left):
            if each not in self._explained:
                tell(f"survives: {each}")
        self._tried += done
        self._unfinished |= done < len(every)
        self._survived |= {f"{name}: {each}" for each in left}
        self._seen |= {f"{name}: {each}" for each in every}

    def end(self, *, is_whole: bool) -> int:
        """Tell which reasons are no longer needed, and return the exit code."""
        tell(f"{len(self._seen)} mutants, {self._tried} tried, {len(self._survived)} survive")
        if self._unfinished:
            tell("Not all have been tried: start it again to go on.")
            return UNFINISHED
        stale = {line for line in self._explained - self._survived if line in self._seen}
        stale |= {line for line in self._explained - self._seen if is_whole and line.partition(":")[0] in TESTS}
        for line in sorted(stale):
            tell(f"is in survivors.txt, but is noticed or no mutant: {line}")
        return bool(stale or self._survived - self._explained)


Tried = tuple[str, "Mutant", "Sequence[str]"]
"""A module, a mutant of it, and the files of tests that may notice."""


class Trying:
    """Tries mutants, each in a process of its own, and says how far it is."""

    def __init__(self, number: int, end: float) -> None:
        """There are so many; after the time `end` none is begun."""
        self._number, self._end, self._told = number, end, time.monotonic()
        self._done = 0

    def tables(self, found: Sequence[Tried]) -> None:
        """Try mutants for which the module is imported anew."""
        self._each(
            [(name, mutant.name, partial(imported_anew, name, mutant.code, tests)) for name, mutant, tests in found]
        )

    def functions(self, tests: Sequence[str], found: Sequence[Tried]) -> None:
        """Try mutants of functions, all in one session of pytest with the files `tests`, which pass as it is."""
        if time.monotonic() < self._end:
            if not (child := os.fork()):
                os._exit(session(tests, Replaced(found, self._each)))
            if os.waitpid(child, 0)[1]:
                sys.exit("the tests fail as it is")
            self._done += len(found)

    def _each(self, attempts: Sequence[tuple[str, str, Callable[[], int]]]) -> None:
        """Make the attempts, of which each returns 0 where nothing notices."""
        running: dict[int, tuple[str, str]] = {}
        gc.freeze()  # or each process would look through everything that is imported
        for name, mutant, attempt in attempts:
            if time.monotonic() > self._end:
                break
            running[forked(attempt)] = (name, mutant)
            if len(running) == AT_ONCE:
                self._ended(running)
        while running:
            self._ended(running)

    def _ended(self, running: dict[int, tuple[str, str]]) -> None:
        child, status = os.wait()
        name, mutant = running.pop(child)
        Kept(name).add(mutant, is_noticed=bool(status))
        self._done += 1
        if not status or time.monotonic() > self._told + 15:
            self._told = time.monotonic()
            tell(f"{self._done:5} of {self._number} {name}" + ("" if status else f", survives: {mutant}"))


def forked(attempt: Callable[[], int]) -> int:
    """Make an attempt in a process of its own, and return its number."""
    if child := os.fork():
        return child
    resource.setrlimit(resource.RLIMIT_CPU, (2 * SECONDS, 2 * SECONDS))  # a loop may have lost its end,
    signal.alarm(10 * SECONDS)  # or an answer does not come
    try:
        os._exit(attempt())
    finally:
        os._exit(1)


def imported_anew(name: str, code: CodeType, tests: Sequence[str]) -> int:
    """Run the tests where the module `name` is `code`, those of the first file alone, and return pytest's exit code."""
    sys.meta_path.insert(0, Changed(name, code))
    return session(tests[:1], Impatient()) or (session(tests[1:], Impatient()) if tests[1:] else 0)


class Impatient:
    """Ends the process with the first failure."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at one result."""
        if report.failed:
            os._exit(1)


class Replaced(Impatient):
    """Runs the tests as it is, then those of each mutant with its functions."""

    def __init__(
        self, found: Sequence[Tried], each: Callable[[Sequence[tuple[str, str, Callable[[], int]]]], None]
    ) -> None:
        self._found, self._each, self._is_first = found, each, True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say what fails where nothing is changed yet."""
        if report.failed and self._is_first:
            tell(f"{report.nodeid}\n{report.longreprtext}")
        super().pytest_runtest_logreport(report)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run them again and again, without what was set up for all."""
        files: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            files.setdefault(item.path.stem.removeprefix("test_"), []).append(item)
        self._pass(session.items)
        self._is_first = False
        self._each(
            [
                (
                    name,
                    mutant.name,
                    partial(self._attempt, name, mutant.code, [item for test in tests for item in files.get(test, ())]),
                )
                for name, mutant, tests in self._found
            ]
        )
        return True

    def _attempt(self, name: str, code: CodeType, items: Sequence[pytest.Item]) -> int:
        changed = dict(codes(code))
        for function in functions(sys.modules[name]):
            function.__code__ = changed[function.__qualname__]
        self._pass(items)
        return 0

    @staticmethod
    def _pass(items: Sequence[pytest.Item]) -> None:
        for item, following in zip(items, (*items[1:], items[0]), strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if time.process_time() > SECONDS:
                return


def codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """Yield the code of each function by its qualified name."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each.co_qualname, each
            yield from codes(each)


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions and methods that are written in `module`."""
    classes = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    for each in (*vars(module).values(), *(member for found in classes for member in vars(found).values())):
        plain = getattr(each, "fget", None) or getattr(each, "__wrapped__", None) or each
        if isinstance(plain, FunctionType) and plain.__module__ == module.__name__ and "<" not in plain.__qualname__:
            yield plain


def session(tests: Iterable[str], plugin: object) -> int:
    """Run the tests in this process, say nothing, and return pytest's exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    with tempfile.TemporaryDirectory() as place:
        files = [str(CORE / f"test_{each}.py") for each in tests]
        words = ["-q", *(f"-pno:{name}" for name in _UNUSED), "--basetemp", place]
        return int(pytest.main([*words, *files], [plugin]))


_UNUSED = ("cacheprovider", "faulthandler", "threadexception", "unraisableexception")  # they take half of the time


def warm_up() -> set[str]:
    """Import what others have written, so that no mutant has to, and return the names of the modules."""
    before, streams = {*sys.modules}, (os.dup(1), os.dup(2))
    session({each for tests in TESTS.values() for each in tests}, Collected())
    for stream, saved in enumerate(streams, 1):
        os.dup2(saved, stream)
    return {*sys.modules} - before


class Collected:
    """Runs no test."""

    def pytest_runtestloop(self) -> bool:
        """Say that it is done."""
        return True


def forget(names: Iterable[str]) -> None:
    """Forget the modules of this checkout, which a mutant may change."""
    for name in names:
        path = getattr(sys.modules[name], "__file__", None) or ""
        if path.startswith(str(ROOT)) and ".cache" not in path:
            del sys.modules[name]


if __name__ == "__main__":
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.exit(main(sys.argv[1:]))
