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
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib.abc import Loader, MetaPathFinder
from importlib.util import spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from changed_source import mutants

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parents[2]
SURVIVORS = Path(__file__).with_name("survivors.txt")
SECONDS = 90  # for one mutant: a loop may have lost its end

TESTS = {
    "envconn.drivers.libpq": ("libpq", "libpq_demands", "libpq_keywords", "drivers", "libpq_version"),
    "envconn.drivers.unsupported": ("drivers", "cases_drivers", "libpq_demands", "drivers_mysql", "drivers_redis"),
    "envconn.grammar.libpq_keywords": (
        *("libpq_keywords", "libpq", "libpq_demands", "libpq_variables", "grammar_postgres", "grammar_conninfo"),
        *("judge", "drivers", "rotation", "selection"),
    ),
    "envconn.grammar.recheck": ("recheck",),
    "envconn.rotation.reload": ("rotation", "services"),
    "envconn.selection.conflicts": ("selection", "scope", "bound_services"),
    "envconn.selection.libpq_variables": ("libpq_variables",),
    "envconn.selection.openssl_variables": ("openssl_variables",),
    "envconn.selection.scope": ("scope", "libpq_demands", "self_signed", "settings_and_load"),
    "envconn.tls.judge": ("judge", "scope", "policy", "self_signed", "libpq_demands", "secured"),
    "envconn.tls.judged": ("secured", "judge", "selection", "providers", "drivers"),
    "envconn.tls.libpq_demands": ("libpq_demands", "rotation"),
    "envconn.tls.policy": ("policy", "local_hosts", "scope", "judge", "libpq_demands"),
}
"""By module, the files in tests/core that are about it, the likeliest to notice first."""


class Changed(MetaPathFinder, Loader):
    """Imports `name` from `code`."""

    def __init__(self, name: str, code: CodeType) -> None:
        self._name, self._code = name, code

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Find the one module."""
        return spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self._code, module.__dict__)  # noqa: S102 - which is what this is for


def main(names: Sequence[str]) -> int:
    """Try the mutants of the modules, tell what is wrong, and return the exit code."""
    explained = {line.split(" # ")[0] for line in SURVIVORS.read_text("utf-8").splitlines() if " # " in line}
    forget(warm_up())
    survived, seen = set(), set()
    for name in names or TESTS:
        source = ROOT.joinpath("src", *name.split(".")).with_suffix(".py")
        found = dict(mutants(source.read_text("utf-8"), str(source)))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            outcomes = list(threads.map(lambda code, name=name: is_noticed(name, code), found.values()))
        left = {f"{name}: {change}" for change, noticed in zip(found, outcomes, strict=True) if not noticed}
        print(f"{name}: {len(found)} mutants, {len(left)} survive", flush=True)
        survived |= left
        seen |= {f"{name}: {change}" for change in found}
        tell("survives", left - explained)
    stale = {line for line in explained - survived if line in seen or not names}
    tell("is in survivors.txt, but is noticed or no mutant", stale)
    return bool(stale or survived - explained)


def tell(what: str, lines: Iterable[str]) -> None:
    """Print each of the `lines` with `what` is so about it."""
    for line in sorted(lines):
        print(f"{what}: {line}", flush=True)


def is_noticed(name: str, code: CodeType) -> bool:
    """Whether a test fails, or cannot begin, where the module `name` is `code`."""
    gc.freeze()  # or each of them would look through everything that is imported
    child = os.fork()
    if child == 0:
        outcome = 1
        try:
            signal.alarm(SECONDS)
            sys.meta_path.insert(0, Changed(name, code))
            outcome = session(TESTS[name], impatient=True)
        except BaseException:  # noqa: BLE001 - whatever it is, the mutant did not pass
            traceback.print_exc()
        finally:
            os._exit(outcome)
    return os.waitpid(child, 0)[1] != 0


def session(tests: Iterable[str], *, impatient: bool = False) -> int:
    """Run the tests in this process, say nothing, and return pytest's exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    with tempfile.TemporaryDirectory() as place:
        files = [str(ROOT / "tests" / "core" / f"test_{each}.py") for each in tests]
        words = ["-q", *(f"-pno:{name}" for name in _UNUSED), "--basetemp", place, *files]
        return int(pytest.main(words, plugins=[_Impatient()] if impatient else []))


class _Impatient:
    """Ends the process with the first failure."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)


_UNUSED = ("cacheprovider", "faulthandler", "threadexception", "unraisableexception")  # they take half of the time


def warm_up() -> set[str]:
    """Import what others have written, so that no mutant has to, and return the names of the modules."""
    before = {*sys.modules}
    child_sees = os.dup(1), os.dup(2)
    if session(sorted({each for tests in TESTS.values() for each in tests})):
        sys.exit("the tests fail as it is")
    for stream, saved in enumerate(child_sees, 1):
        os.dup2(saved, stream)
    return {*sys.modules} - before


def forget(names: Iterable[str]) -> None:
    """Forget the modules of this checkout, which a mutant may change."""
    for name in names:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(ROOT)):
            if ".cache" not in sys.modules[name].__file__:
                del sys.modules[name]


if __name__ == "__main__":
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.exit(main(sys.argv[1:]))
