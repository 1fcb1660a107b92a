"""The budget of one rendering, in units of about a character; every operation spends some.

Counting instead of looking at a clock makes the limit the same on every machine and every run.
A loop's turn, a call, a filter and every text or list that is made or read has its price, so a
template can neither run for long nor fill the memory. A budget of eight million units lasts for
about a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2.exceptions import SecurityError

STEP = 8  # units; a turn of a loop takes about as long as reading a few characters
CALL = 80  # units, for any call of a function, macro or filter
INCLUDE = 10_000  # units; a file is looked up, and may print all its text
# Longer numbers take longer to compute with, and many of them can share a hash. Numbers of a row
# have 64 bits; two more leave room for sums.
MAX_BITS = 66

_CONTAINERS = (list, tuple, dict, set, frozenset)
_BASE = 8_000_000
_PER_CHARACTER = 64  # of the row: a template may go over a long row several times

# A search compares each place of a text with the text that is looked for. The library stops being
# naive about texts of more than a hundred characters, but not where it searches from the end.
_NAIVE_LENGTH = 100
_COMPARED_PER_UNIT = 16


class BudgetError(SecurityError):
    """A rendering that costs too much."""

    rule = "LINT_COST"


class _Budget:
    __slots__ = ("left", "more")

    def __init__(self, units: int, more: Callable[[], int] | None = None) -> None:
        self.left, self.more = units, more


_current: ContextVar[_Budget] = ContextVar("budget")


def allowance(row: Mapping[str, Any]) -> int:
    """The units that rendering a block of this row may cost."""
    return _BASE + _PER_CHARACTER * sum(len(v) for v in row.values() if isinstance(v, str))


@contextmanager
def limited(row: Mapping[str, Any]) -> Iterator[None]:
    """Inside, `spend` draws on a new budget that fits the row."""
    token = _current.set(_Budget(allowance(row)))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def limited_by_length(value: Any) -> Iterator[None]:
    """Inside, `spend` draws on a new budget that fits all texts in `value`, also in depth.

    The texts are counted only where the budget of an empty row is used up.
    """
    token = _current.set(_Budget(_BASE, lambda: _PER_CHARACTER * _count_characters(value)))
    try:
        yield
    finally:
        _current.reset(token)


def spend(units: int) -> None:
    """Takes units from the budget. Raises `BudgetError` when it is used up."""
    budget = _current.get()
    budget.left -= units
    if budget.left < 0:
        if budget.more is not None:
            budget.left, budget.more = budget.left + budget.more(), None
        if budget.left < 0:
            raise BudgetError(
                "it takes too many steps or makes too much text; look for a loop, a recursion or "
                "an operation that multiplies text"
            )


def spend_on(value: Any) -> None:
    """Takes the price of making or reading `value`: its characters and, in depth, its items.

    A list that holds the same list many times is as long as it prints, not as it is stored.
    """
    if isinstance(value, str):
        spend(STEP + len(value))
        return
    spend(STEP)
    if isinstance(value, int):
        check_number(value)
        return
    if isinstance(value, range):
        spend(STEP * len(value))  # the caller may iterate over it
        check_number(value.start)
        check_number(value.stop)
    if not isinstance(value, _CONTAINERS):
        return
    waiting = [value]
    while waiting:
        held = waiting.pop()
        spend(STEP + len(held) * STEP)
        items = [*held.keys(), *held.values()] if isinstance(held, dict) else held
        for item in items:
            if isinstance(item, str):
                spend(len(item))
            elif isinstance(item, _CONTAINERS):
                waiting.append(item)


def spend_on_search(text: str, looked_for: str | int) -> None:
    """Takes the price of looking for a text, or for one of that length, from the start."""
    length = looked_for if isinstance(looked_for, int) else len(looked_for)
    spend(len(text) * min(length, _NAIVE_LENGTH) // _COMPARED_PER_UNIT)


def spend_on_comparing(text: str, other: str) -> None:
    """Takes the price of comparing at each place of `text` all of `other`."""
    spend(len(text) * len(other) // _COMPARED_PER_UNIT)


def check_number(value: int) -> None:
    """Refuses numbers that are longer than those of any row."""
    if value.bit_length() > MAX_BITS:
        raise BudgetError(f"a number has more than {MAX_BITS} bits")


def counted(items: Iterable[Any], price: int = 0) -> Iterator[Any]:
    """The items of a lazy sequence, each paid for when it is taken; `price` is added to each."""
    for item in items:
        spend_on(item)
        if price:
            spend(price)
        yield item


def _count_characters(value: Any) -> int:
    count, waiting = 0, [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, str):
            count += len(held)
        elif isinstance(held, Mapping):
            waiting += [*held.keys(), *held.values()]
        elif isinstance(held, (list, tuple)):
            waiting.extend(held)
    return count
