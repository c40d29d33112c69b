"""Starting, waiting for, stopping and clearing up after servers; nothing here waits without a limit."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from throwaway.binaries import Account

__all__ = ["ADDRESS", "end", "free_port", "listens", "signals_raise", "wait", "workplace"]

ADDRESS = "127.0.0.1"


def free_port(address: str = ADDRESS) -> int:
    """Return a free port of `address`."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(address: str, port: int) -> bool:
    """Whether a server accepts connections there."""
    try:
        socket.create_connection((address, port), timeout=5).close()
    except ConnectionError:
        return False
    return True


def wait(done: Callable[[], bool], what: str, *, seconds: float) -> None:
    """Ask `done` until it is.

    Raises:
        TimeoutError: it is not after `seconds`.
    """
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {seconds} seconds for {what}")
        time.sleep(0.01)


def end(process: subprocess.Popen[bytes] | None, *signals: signal.Signals) -> None:
    """Send one signal after the other, SIGKILL last, until the process has ended; five seconds for each."""
    for number in (*signals, signal.SIGKILL):
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def workplace(account: Account, parent: Path | None = None) -> Iterator[Path]:
    """Make a directory that belongs to `account` and that everybody may enter, and remove it at the end."""
    with signals_raise():
        directory = Path(parent or tempfile.gettempdir(), f"envconn-{secrets.token_urlsafe(6)}")
        try:
            # In here, because a signal that comes between the making and the `try` would leave it behind.
            directory.mkdir(0o700)
            directory.chmod(0o755)
            yield account.own(directory)
        finally:
            _remove(directory)


@contextmanager
def signals_raise() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise `SystemExit` meanwhile, so that what was started does not outlive us."""
    ours = threading.current_thread() is threading.main_thread()
    signals = [n for n in (signal.SIGTERM, signal.SIGHUP) if ours and signal.getsignal(n) is signal.SIG_DFL]

    def leave(number: int, _frame: object) -> NoReturn:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in signals:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_DFL)


def _remove(directory: Path) -> None:
    # A process that was asked to end may still be writing a last file.
    for _ in range(100):
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.lexists(directory):
            return
        time.sleep(0.05)
