"""Background: work that starts before its result is needed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


def prefetch(
    items: Iterator[_T], number: int, is_ready: Callable[[_T], bool] = lambda item: False
) -> Iterator[_T]:
    """The items in order. Takes up to `number` more while the first one taken is not ready."""
    waiting: deque[_T] = deque()
    for item in items:
        waiting.append(item)
        while waiting and (len(waiting) > number or is_ready(waiting[0])):
            yield waiting.popleft()
    yield from waiting


def run_in_background(work: Callable[[], _T]) -> Future[_T]:
    """The future result of `work`, which runs in a daemon thread.

    The thread doesn't keep the program from ending. For work that waits, such as digesting a file.
    """
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
