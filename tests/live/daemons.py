"""What the private servers have in common: a home, a port, files of their own, and an end."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from throwaway.process import listens, wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from throwaway.binaries import Account
    from throwaway.certificates import Pair

__all__ = ["keys", "listening", "private", "uri"]


@contextmanager
def listening(
    command: Sequence[str], home: Path, account: Account, address: str, port: int, *, seconds: float = 20
) -> Iterator[None]:
    """Run `command` under `account` for as long as the block lasts, its output in ``home/log``.

    Raises:
        RuntimeError: it ended instead of listening; the text has its log.
        TimeoutError: it does not listen after `seconds`.
    """
    process = account.popen(command, home / "log")

    def ready() -> bool:
        if process.poll() is not None:
            log = (home / "log").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {log.strip()[-2000:]}")
        return listens(address, port)

    try:
        wait(ready, f"port {port}", seconds=seconds)
        yield
    finally:
        # Nothing it would write on its way out is wanted; what it has started goes with it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def private(account: Account, path: Path, content: str | bytes) -> Path:
    """Write a file that only `account` can read."""
    path.touch(mode=0o600)
    account.own(path).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def keys(account: Account, home: Path, pair: Pair, ca: Path) -> tuple[Path, Path, Path]:
    """Copy a chain, its key and the CA to where `account` can read them."""
    return (
        private(account, home / "server.crt", pair.chain.read_bytes()),
        private(account, home / "server.key", pair.key.read_bytes()),
        private(account, home / "ca.crt", ca.read_bytes()),
    )


def uri(scheme: str, userinfo: tuple[str, str], host: str, path: str, parameters: Mapping[str, str]) -> str:
    """Put an address together, everything encoded; `host` has its port."""
    user, password = (quote(part, safe="") for part in userinfo)
    query = "?" + urlencode(parameters, quote_via=quote) if parameters else ""
    return f"{scheme}://{user}:{password}@{host}/{quote(path, safe='')}{query}"
