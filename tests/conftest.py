"""What every test can rely on: an empty environment, an empty home, and a network that ends at this machine."""

from __future__ import annotations

import ipaddress
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from _pytest._io import TerminalWriter

pytest_plugins = ["apis", "django_stack", "lab", "mounted", "project", "pytester", "servers", "traps"]

# A shell that starts the tests in the background has them ignore SIGINT, and every child would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# What a process needs to run at all. Everything else of the machine (PG*, *_URL, SSL_CERT_FILE,
# NO_COLOR, ...) could decide an outcome, so it is gone before a test starts.
_KEPT = ("LANG", "LC_", "LD_LIBRARY_PATH", "PATH", "PYTHON", "TMPDIR")
_MACHINE = dict(os.environ)


@pytest.fixture(autouse=True)
def clean_machine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Empty the environment; HOME and the working directory are two empty directories."""
    kept = _KEPT if request.node.get_closest_marker("measured") is None else (*_KEPT, "COVERAGE_", "COV_")
    for name in os.environ:
        if not name.startswith(kept):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="session")
def machine() -> dict[str, str]:
    """The environment as it was before the tests, for those that start tools of the machine."""
    return dict(_MACHINE)


@pytest.fixture(scope="session")
def checkout(pytestconfig: pytest.Config) -> Path:
    """The directory with pyproject.toml."""
    return pytestconfig.rootpath


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse connections and look-ups that leave the machine, asyncio's included. libpq's are not seen here."""
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is not None and not _is_local(host):
        raise PermissionError(f"a test tried to reach {host}")


def _is_local(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# Audit hooks cannot be removed again: this one holds until the process ends.
sys.addaudithook(_stay_on_this_machine)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a skip as a failure where everything has to run (ENVCONN_TEST_REQUIRE_ALL=1)."""
    return _skip_is_failure((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for modules that skip themselves."""
    return _skip_is_failure((yield))


def _skip_is_failure(report: Report) -> Report:
    if report.skipped and not hasattr(report, "wasxfail") and _MACHINE.get("ENVCONN_TEST_REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}; ENVCONN_TEST_REQUIRE_ALL=1 makes this a failure"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what tests/run asks for."""
    parser.addoption("--at-once", action="store_true", help="say which module runs, and show a failure when it happens")
    parser.addoption("--sample", action="store_true", help="leave out what only .ci/run has time for")


def pytest_configure(config: pytest.Config) -> None:
    """Do what the options ask for."""
    config.stash[_LEFT] = 0
    if config.getoption("--at-once"):
        config.pluginmanager.register(_AtOnce(config))


_LEFT = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --sample, take of tests marked `sampled` a few, and of those marked `application` none."""
    if config.getoption("--sample"):
        taken = _sample(items)
        left = [item for item in items if item not in taken]
        config.stash[_LEFT] = len(left)
        config.hook.pytest_deselected(items=left)
        items[:] = taken


def _sample(items: list[pytest.Item]) -> dict[pytest.Item, None]:
    taken: dict[pytest.Item, None] = {}
    functions: dict[str, list[pytest.Item]] = {}
    for item in items:
        functions.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for name, cells in functions.items():
        mark = cells[0].get_closest_marker("sampled")
        chosen = cells[:: mark.args[0]] if mark else cells
        if missing := _values(cells) - _values(chosen):
            raise pytest.UsageError(f"{name}: the sample lacks {sorted(missing)}. Take another step.")
        taken |= dict.fromkeys(item for item in chosen if item.get_closest_marker("application") is None)
    return {item: None for item in items if item in taken}


def _values(cells: list[pytest.Item]) -> set[tuple[str, int]]:
    """Return each parameter with the place of each of its values."""
    specs = (getattr(item, "callspec", None) for item in cells)
    return {each for spec in specs if spec for each in spec.indices.items()}


@pytest.fixture(scope="session", autouse=True)
def _left(pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]) -> None:
    """Have the file of results say how many tests --sample has left out."""
    record_testsuite_property("left", pytestconfig.stash[_LEFT])


class _AtOnce:
    """Says which module runs, and shows each failure when it happens: at the end is minutes later."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._module, self._begun, self._all = "", 0, 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._all = len(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        module = nodeid.partition("::")[0]
        if module != self._module:
            self._writer.line(f"{100 * self._begun // self._all:3}% {module}", flush=True)
        self._module, self._begun = module, self._begun + 1

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, tuple[str, str, str], tuple[str, str, str]]:
        """Print no letter for a test: a line of them is only seen once it is full."""
        category, _, word = yield
        return category, "", "" if category == "passed" else word

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._show(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._show(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self._config.option.tbstyle = "no"  # and not once more

    @property
    def _writer(self) -> TerminalWriter:
        return self._config.get_terminal_writer()

    def _show(self, report: Report) -> None:
        if report.failed:
            self._writer.line()
            self._writer.sep("_", f"{report.nodeid} ({report.when})")
            report.toterminal(self._writer)
            for title, text in report.sections:
                self._writer.sep("-", title)
                self._writer.line(text.rstrip("\n"))
            self._writer.flush()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With -k test_name, leave modules closed in which no such name stands: opening all of them takes seconds."""
    names = set(_WORD.findall(config.option.keyword)) - {"or"}
    if collection_path.suffix != ".py" or not names or not all(name.startswith("test_") for name in names):
        return None
    text = f"{collection_path.name} {collection_path.read_text(encoding='utf-8')}"
    return None if any(name in text for name in names) else True


_WORD = re.compile(r"[\w-]+")
