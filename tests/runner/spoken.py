"""What a session of tests/run says while it works. A plugin, loaded by tests/conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from _pytest._io import TerminalWriter


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what tests/run asks for."""
    parser.addoption("--at-once", action="store_true", help="say which module runs, and show a failure when it happens")


def pytest_configure(config: pytest.Config) -> None:
    """Do what the option asks for."""
    if config.getoption("--at-once"):
        config.pluginmanager.register(_AtOnce(config))


class _AtOnce:
    """Says which module runs, and shows each failure when it happens: at the end is minutes later."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._module, self._begun, self._all = "", 0, 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        self._writer.line("     opening the modules", flush=True)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._all = len(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        module = nodeid.partition("::")[0]
        if module != self._module:
            self._writer.line(f"{100 * self._begun // self._all:3}% {module}", flush=True)
        self._module, self._begun = module, self._begun + 1

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, tuple[str, str, Any], tuple[str, str, Any]]:
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

    def _show(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            self._writer.line()
            self._writer.sep("_", f"{report.nodeid} ({report.when})")
            report.toterminal(self._writer)
            for title, text in report.sections:
                self._writer.sep("-", title)
                self._writer.line(text.rstrip("\n"))
            self._writer.flush()
