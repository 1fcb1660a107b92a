"""Looking ahead: work that is started before its result is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
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
