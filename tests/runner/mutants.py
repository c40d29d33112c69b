"""Break the code that decides about security, one place at a time, and expect a test to fail for each.

tests/mutants starts this. Arguments are modules of `TESTS`; without any, all of them are tried. What survives has to be
in survivors.txt with a reason, and nothing else may be: a reason that is no longer needed is an error, too.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

import pytest

from changed_source import mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
SURVIVORS = Path(__file__).with_name("survivors.txt")
SECONDS = 120  # for a mutant: a loop may have lost its end
AT_ONCE = os.cpu_count() or 1

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


def main(names: Sequence[str]) -> int:
    """Try the mutants of the modules, tell what is wrong, and return the exit code."""
    explained = {line.split(" # ")[0] for line in SURVIVORS.read_text("utf-8").splitlines() if " # " in line}
    forget(warm_up())
    survived: set[str] = set()
    seen: set[str] = set()
    for name in names or TESTS:
        source = ROOT.joinpath("src", *name.split(".")).with_suffix(".py")
        found = {f"{name}: {mutant.name}": mutant for mutant in mutants(source.read_text("utf-8"), str(source))}
        left = unnoticed_functions(name, {change: each.code for change, each in found.items() if each.in_function})
        left |= unnoticed(
            {change: partial(imported_anew, name, each.code) for change, each in found.items() if not each.in_function}
        )
        sys.stdout.write(f"{name}: {len(found)} mutants, {len(left)} survive\n")
        tell("survives", left - explained)
        survived |= left
        seen |= found.keys()
    stale = {line for line in explained - survived if line in seen or not names}
    tell("is in survivors.txt, but is noticed or no mutant", stale)
    return bool(stale or survived - explained)


def tell(what: str, lines: Iterable[str]) -> None:
    """Print each of the `lines` with `what` is so about it."""
    for line in sorted(lines):
        sys.stdout.write(f"{what}: {line}\n")
    sys.stdout.flush()


def unnoticed(attempts: Mapping[str, Callable[[], int]], seconds: int = SECONDS) -> set[str]:
    """Return the names of the attempts that return 0; each is made in a process of its own."""
    left: set[str] = set()
    running: dict[int, str] = {}
    gc.freeze()  # or each process would look through everything that is imported
    for name, attempt in (*attempts.items(), *(("", None),) * AT_ONCE):
        if len(running) == AT_ONCE or (running and attempt is None):
            child, status = os.wait()
            ended = running.pop(child)
            left |= set() if status else {ended}
        if attempt and not (child := os.fork()):
            signal.alarm(seconds)
            try:
                os._exit(attempt())
            finally:
                os._exit(1)
        elif attempt:
            running[child] = name
    return left


def imported_anew(name: str, code: CodeType) -> int:
    """Run the tests where the module `name` is `code`, and return pytest's exit code."""
    sys.meta_path.insert(0, Changed(name, code))
    return session(TESTS[name], Impatient())


def unnoticed_functions(name: str, found: Mapping[str, CodeType]) -> set[str]:
    """Return the names of those in `found` with which the tests pass; only functions of the module `name` differ."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
        if not unnoticed({name: lambda: session(TESTS[name], Replaced(name, found, file.name))}, seconds=0):
            sys.exit(f"the tests of {name} fail as it is")
        return set(file.read().splitlines())


class Impatient:
    """Ends the process with the first failure."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at one result."""
        if report.failed:
            os._exit(1)


class Replaced(Impatient):
    """Runs the tests as it is, then with the functions of each mutant, and writes the names of what is left."""

    def __init__(self, name: str, found: Mapping[str, CodeType], path: str) -> None:
        self._name, self._found, self._path = name, found, path

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run them all, again and again, without what was set up for all."""
        self._pass(session)
        attempts = {change: partial(self._attempt, session, code) for change, code in self._found.items()}
        Path(self._path).write_text("\n".join(unnoticed(attempts)), encoding="utf-8")
        return True

    def _attempt(self, session: pytest.Session, code: CodeType) -> int:
        changed = dict(codes(code))
        for function in functions(sys.modules[self._name]):
            function.__code__ = changed[function.__qualname__]
        self._pass(session)
        return 0

    @staticmethod
    def _pass(session: pytest.Session) -> None:
        for item, following in zip(session.items, (*session.items[1:], session.items[0]), strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


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


def session(tests: Iterable[str], *plugins: object) -> int:
    """Run the tests in this process, say nothing, and return pytest's exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    with tempfile.TemporaryDirectory() as place:
        files = [str(ROOT / "tests" / "core" / f"test_{each}.py") for each in tests]
        return int(pytest.main(["-q", *(f"-pno:{name}" for name in _UNUSED), "--basetemp", place, *files], [*plugins]))


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
