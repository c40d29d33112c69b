"""Work in a thread of its own, which is waited for as long as the caller likes, and no longer."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")


def run_in_thread(work: Callable[[], T]) -> Future[T]:
    """Begin `work` in a thread of its own, and return where its outcome will be.

    The thread is a daemon's: where a resolver or driver hangs, neither the end of the process nor a signal waits for
    it. A loop of asyncio's that runs in the caller's thread is none of its business.
    """
    future: Future[T] = Future()
    Thread(target=_run, args=(work, future), daemon=True).start()
    return future


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        future.set_exception(error)
