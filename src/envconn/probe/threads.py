"""Run work in a thread of its own, and wait for it only as long as the caller wants."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")


def run_in_thread(work: Callable[[], T]) -> Future[T]:
    """Start `work` in a thread of its own, and return the future of its result.

    It is a daemon thread: if a resolver or driver hangs, neither the end of the process nor a signal waits for
    it. An event loop that runs in the caller's thread is not affected.
    """
    future: Future[T] = Future()
    Thread(target=_run, args=(work, future), daemon=True).start()
    return future


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        future.set_exception(error)
