"""Looking ahead: work that is started before its result is asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


def pulled_ahead(
    items: Iterator[_T], number: int, is_ready: Callable[[_T], bool] = lambda item: False
) -> Iterator[_T]:
    """The items, so many of them pulled beyond one that is not ready."""
    waiting: deque[_T] = deque()
    for item in items:
        waiting.append(item)
        while waiting and (len(waiting) > number or is_ready(waiting[0])):
            yield waiting.popleft()
    yield from waiting


def in_background(work: Callable[[], _T]) -> Future[_T]:
    """The result of `work`, which a thread does that holds up nobody, not even the program's end.

    For work that is one long wait, as for a digest of many bytes.
    """
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
