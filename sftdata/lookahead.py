"""Looking ahead: work that is started before its result is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeVar

_T = TypeVar("_T")


def pulled_ahead(items: Iterator[_T], number: int) -> Iterator[_T]:
    """The items, so many of them always pulled beyond the one that is given."""
    waiting: deque[_T] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > number:
            yield waiting.popleft()
    yield from waiting
