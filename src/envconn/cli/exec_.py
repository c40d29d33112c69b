"""``envconn exec -- COMMAND``: the check, then the command in place of this process.

There is no parent left that could swallow a signal or an exit code; PID, standard streams and
environment are the command's own.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from envconn.assembly import assemble
from envconn.cli import EX_CONFIG, EX_NOT_EXECUTABLE, EX_NOT_FOUND, EX_USAGE
from envconn.cli.findings import complain
from envconn.cli.live import asked, closed
from envconn.services import Services

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

__all__ = ["run"]


def run(options: Namespace, command: Sequence[str]) -> int:
    """Check, then become `command`. Returns only when that does not come about, with the exit code that says why.

    The servers are contacted before, where `options` ask for it.
    """
    if not any(command[:1]):
        print("envconn exec: no command; write envconn exec -- COMMAND...", file=sys.stderr)
        return EX_USAGE
    assembly = assemble(dotenv=options.dotenv)
    if not assembly.report.ok:
        complain(assembly.report.problems)
        return EX_CONFIG
    if (live := asked(options)) and (code := closed(Services(assembly), live)):
        return code
    # Python ignores these two, and what is ignored stays so in the program that follows.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - becoming another program is the purpose
    except FileNotFoundError:
        print(f"envconn exec: {command[0]}: command not found", file=sys.stderr)
        return EX_NOT_FOUND
    except OSError as failure:
        print(f"envconn exec: {command[0]}: {failure.strerror}", file=sys.stderr)
        return EX_NOT_EXECUTABLE
