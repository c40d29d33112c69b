"""The live proof on the command line: read its options, wait, report progress, return the exit code."""

from __future__ import annotations

import sys
from contextlib import contextmanager

from envconn.cli.terminal import Progress, complain
from envconn.records import Record
from envconn.tls import SecuredConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import NoReturn

    from envconn.probe import Proof
    from envconn.services import Services


class LiveOptions(Record):
    """The options of the live proof; the arguments of `envconn.prove`. Times are in seconds."""

    login: bool = False
    enforcement: str = "report"
    wait: float = 0.0
    timeout: float = 10.0


def live_options(options: argparse.Namespace) -> LiveOptions | None:
    """Return the options of the live proof, or `None` if it was not requested."""
    stated = {name: getattr(options, name) for name in LiveOptions._fields if getattr(options, name) is not None}
    return LiveOptions(**stated) if stated or options.live else None


def prove_with_progress(services: Services | SecuredConnection, live: LiveOptions) -> Proof:
    """Prove `services` with the options `live`, and print the progress on stderr.

    SIGTERM ends it with 143. Without a handler, the kernel would not deliver the signal to the first process of a
    container.
    """
    from envconn.probe import examine

    with _leaving_on_sigterm(), Progress(sys.stderr) as progress:
        names = [services.name] if isinstance(services, SecuredConnection) else services
        progress.begin(f"contacting {', '.join(names)}")
        return examine(services, **live._asdict(), on_attempt=lambda proof, left: progress.tell(_state(proof), left))


def run_proof(services: Services, live: LiveOptions) -> int:
    """Prove `services`, print the problems, and return the exit code: 0 if there are none."""
    proof = prove_with_progress(services, live)
    complain(proof.problems, proof.notes)
    return proof.exit_code


def _state(proof: Proof) -> str:
    """Return in one line what the proof is waiting for."""
    first, *others = proof.problems
    return f"{first} [{first.code}]" + (f", and {len(others)} more" if others else "")


@contextmanager
def _leaving_on_sigterm() -> Iterator[None]:
    import signal

    def leave(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
