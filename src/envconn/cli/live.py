"""The live proof on the command line: its options, and the gate that waits, tells, and opens or not."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import contextmanager

from envconn.cli.terminal import Progress, complain
from envconn.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from envconn.probe import Proof
    from envconn.services import Services

__all__ = ["Live", "add_options", "asked", "closed", "gate"]

LONGEST = 86_400
"""Seconds; who wants to wait for more than a day has mistaken the unit."""


class Live(Record):
    """What was asked for; the arguments of `envconn.prove`. Times are in seconds."""

    login: bool = False
    enforced: bool = False
    wait: float = 0.0
    within: float = 10.0


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options, of which every one means ``--live``."""
    group = command.add_argument_group(
        "live proof", "Contact the servers once the configuration is right. Each of these options means --live."
    )
    for name in ("--live", "--login", "--enforced"):
        group.add_argument(name, action="store_const", const=True, help=_HELP[name])
    for name, kind in (("--wait", _seconds), ("--within", _positive)):
        group.add_argument(name, metavar="SECONDS", type=kind, help=_HELP[name])


_HELP = {
    "--live": "do the TLS handshake with every server, and verify its certificate as the configuration demands; "
    "no user name and no password is sent",
    "--login": "log in, too, with the installed driver, and only where the handshake was good",
    "--enforced": "fail where a server would have taken a connection without TLS, too",
    "--wait": "try again for that long while a server is down, unresolved or starting up (default: 0); "
    "a wrong certificate or password fails at once",
    "--within": "the time that one attempt may take (default: 10)",
}


def asked(options: argparse.Namespace) -> Live | None:
    """Return what `options` ask for, `None` where no live proof is wanted."""
    stated = {name: getattr(options, name) for name in Live._fields if getattr(options, name) is not None}
    return Live(**stated) if stated or options.live else None


def gate(services: Services, live: Live) -> Proof:
    """Prove `services` as `live` asks, and tell on stderr what is waited for.

    SIGTERM ends it with 143, also in a container's first process, to which the kernel delivers no signal
    that nobody handles.
    """
    from envconn.probe import examine

    with _leaving_on_sigterm(), Progress(sys.stderr) as progress:
        progress.begin(f"contacting {', '.join(services)}")
        return examine(services, **_arguments(live), on_attempt=lambda proof, left: progress.tell(_state(proof), left))


def _arguments(live: Live) -> dict[str, Any]:
    enforcement = "require" if live.enforced else "report"
    return {"login": live.login, "wait": live.wait, "timeout": live.within, "enforcement": enforcement}


def closed(services: Services, live: Live) -> int:
    """Prove `services`, complain about what stands against it, and return the exit code, 0 when the gate is open."""
    proof = gate(services, live)
    complain(proof.problems, proof.notes)
    return proof.exit_code


def _state(proof: Proof) -> str:
    """What is waited for, in one line."""
    first, *others = proof.problems
    return f"{first} [{first.code}]" + (f", and {len(others)} more" if others else "")


@contextmanager
def _leaving_on_sigterm() -> Iterator[None]:
    def leave(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST:  # false for nan, too
        raise argparse.ArgumentTypeError(f"not a number of seconds from 0 to {LONGEST}")
    return seconds


def _positive(text: str) -> float:
    if not (seconds := _seconds(text)):
        raise argparse.ArgumentTypeError("0 seconds are too few")
    return seconds
