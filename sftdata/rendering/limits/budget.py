"""The budget of one rendering, in units of about a character; every operation spends some.

Counting instead of looking at a clock makes the limit the same on every machine and every run.
A loop's turn, a call, a filter and every text or list that is made or read has its price, so a
template can neither run for long nor fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2.exceptions import SecurityError

STEP = 8  # units; a turn of a loop takes about as long as reading a few characters
CALL = 80  # units, for any call of a function, macro or filter
INCLUDE = 10_000  # units; a file is looked up, and may print all its text

_CONTAINERS = (list, tuple, dict, set, frozenset)
_BASE = 8_000_000
_PER_CHARACTER = 64  # of the row: a template may go over a long row several times


class BudgetError(SecurityError):
    """A rendering that costs too much."""

    rule = "LINT_COST"


class _Budget:
    __slots__ = ("left",)

    def __init__(self, units: int) -> None:
        self.left = units


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


def spend(units: int) -> None:
    """Takes units from the budget. Raises `BudgetError` when it is used up."""
    budget = _current.get()
    budget.left -= units
    if budget.left < 0:
        raise BudgetError(
            "it takes too many steps or makes too much text; look for a loop, a recursion or an "
            "operation that multiplies text"
        )


def spend_on(value: Any) -> None:
    """Takes the price of making or reading `value`: its characters and, in depth, its items.

    A list that holds the same list many times is as long as it prints, not as it is stored.
    """
    if isinstance(value, str):
        spend(STEP + len(value))
        return
    if isinstance(value, int):
        spend(STEP + value.bit_length() // 8)
        return
    spend(STEP)
    if isinstance(value, range):
        spend(STEP * len(value))  # the caller may iterate over it
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


def counted(items: Iterator[Any]) -> Iterator[Any]:
    """The items of a lazy sequence, each paid for when it is taken."""
    for item in items:
        spend_on(item)
        yield item
