"""What every test can rely on: an empty environment, an empty home, and a network that ends at this machine."""

from __future__ import annotations

import ipaddress
import os
import re
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

pytest_plugins = [
    "apis",
    "certified",
    "django_stack",
    "lab",
    "mounted",
    "project",
    "pytester",
    "sample",
    "servers",
    "spoken",
    "traps",
]

# A shell that starts the tests in the background has them ignore SIGINT, and every child would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# What a process needs to run at all. Everything else of the machine (PG*, *_URL, SSL_CERT_FILE,
# NO_COLOR, ...) could decide an outcome, so it is gone before a test starts.
_KEPT = ("LANG", "LC_", "LD_LIBRARY_PATH", "PATH", "PYTHON", "TMPDIR")
_MACHINE = dict(os.environ)


@pytest.fixture(scope="session")
def empty_directories(tmp_path_factory: pytest.TempPathFactory) -> EmptyDirectories:
    """Directories as new: to make two for each test, and to look for their names, takes as long as the test."""
    return EmptyDirectories(tmp_path_factory.mktemp("empty"))


class EmptyDirectories:
    """Empty directories below `parent`."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._process, self._ready = os.getpid(), list[Path]()

    @contextmanager
    def one(self) -> Generator[Path]:
        """Lend a directory; the next one gets it, too, if it is left as it was."""
        if self._process != os.getpid():  # tests/mutants forks, and each of them needs its own
            self._process, self._ready = os.getpid(), []
        path = self._ready.pop() if self._ready else Path(tempfile.mkdtemp(dir=self._parent))
        yield path
        if path.is_dir() and path.stat().st_mode & 0o7777 == 0o700 and not os.listdir(path):
            self._ready.append(path)


@pytest.fixture(autouse=True)
def clean_machine(request: pytest.FixtureRequest, empty_directories: EmptyDirectories) -> Generator[None]:
    """Empty the environment; HOME and the working directory are two empty directories."""
    before, place = dict(os.environ), os.getcwd()
    kept = _KEPT if request.node.get_closest_marker("measured") is None else (*_KEPT, "COVERAGE_", "COV_")
    with empty_directories.one() as home, empty_directories.one() as working:
        for name in before:
            if not name.startswith(kept):
                del os.environ[name]
        os.environ["HOME"] = str(home)
        os.chdir(working)
        yield
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(autouse=True)
def new_engines() -> Generator[None]:
    """Let no test know the names in SQLAlchemy's URLs of another one, nor have its engines judged."""
    yield
    if urls := sys.modules.get("envconn_sqlalchemy.urls"):
        urls._NAMED.clear()
    if judging := sys.modules.get("envconn_sqlalchemy.other_engines"):
        from sqlalchemy import Engine, event

        if event.contains(Engine, "do_connect", judging._opened):
            event.remove(Engine, "do_connect", judging._opened)


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


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With -k test_name, leave modules closed in which no such name stands: opening all of them takes seconds."""
    names = set(_WORD.findall(config.option.keyword)) - {"or"}
    if collection_path.suffix != ".py" or not names or not all(name.startswith("test_") for name in names):
        return None
    text = f"{collection_path.name} {collection_path.read_text(encoding='utf-8')}"
    return None if any(name in text for name in names) else True


_WORD = re.compile(r"[\w-]+")
