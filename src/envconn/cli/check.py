"""``envconn check`` and ``envconn show``: the report, short or whole, for people or as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from envconn.assembly import assemble
from envconn.cli import EX_CONFIG, EX_OK
from envconn.cli.terminal import paint

if TYPE_CHECKING:
    from envconn.report import Report
    from envconn.tls import SecuredConnection

__all__ = ["print_problems", "run"]


def run(dotenv: str | None, *, as_json: bool, details: bool) -> int:
    """Print the report and return the exit code. Problems go to stderr, everything else to stdout."""
    report = assemble(dotenv=dotenv).report
    if as_json:
        import json

        print(json.dumps(report.as_dict(), indent=2))
    else:
        _print_people(report, details=details)
    return EX_OK if report.ok else EX_CONFIG


def print_problems(report: Report) -> None:
    """Print one line for each problem to stderr."""
    for problem in report.problems:
        print(f"{paint('error', 'red', sys.stderr)} {problem} [{problem.code}]", file=sys.stderr)


def _print_people(report: Report, *, details: bool) -> None:
    if details:
        for line in report.lines():
            print(line)
    else:
        for service in report.services.values():
            print(f"{paint('ok', 'green', sys.stdout)} {_line(service)}")
        if report.ok and not report.services:
            print(f"{paint('ok', 'green', sys.stdout)} nothing is configured, which ENVCONN_PHASE=build allows")
    sys.stdout.flush()
    print_problems(report)


def _line(service: SecuredConnection) -> str:
    verdict = service.tls
    remarks = {
        f"raised from {verdict.requested}": verdict.raised,
        "local": verdict.local,
        f"clear text waived by {verdict.waived}": verdict.waived is not None,
    }
    told = ", ".join([f"TLS {verdict.level}", *(remark for remark, is_so in remarks.items() if is_so)])
    return f"{service.name} ({service.variable}): {', '.join(map(str, service.hosts))}, {told}"
