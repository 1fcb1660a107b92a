"""The budget of one rendering, in units of about a character; every operation spends some.

Counting, unlike a clock, gives the same limit on every machine and in every run.
Each loop turn, call, filter, and each text or list that is read or created has a price, so a
template can neither run for long nor fill the memory. A budget of eight million units lasts for
about a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
_SMALL = frozenset((int, float, bool, type(None)))
_BASE = 8_000_000
_CHECKED = 10_000  # units; a walk through a list looks whether they are left after so many
_WALKED_AGAIN = 100  # units; a list of this price is walked through again sooner than looked up
_PER_CHARACTER = 64  # of the row: a template may read a long row several times

# A search compares the searched text at each position. Python uses a faster algorithm for searched
# texts of more than a hundred characters, but not for searches from the end.
_NAIVE_LENGTH = 100
_COMPARED_PER_UNIT = 16


class BudgetError(SecurityError):
    """A rendering that costs too much."""

    rule = "LINT_COST"


class _Budget:
    __slots__ = ("left", "more", "prices")

    def __init__(self, units: int, more: Callable[[], int] | None = None) -> None:
        self.left, self.more = units, more
        # Of lists and dicts that were weighed, by `id`. No template can change one, and holding
        # it here keeps its `id` from being used again.
        self.prices: dict[int, tuple[Any, int]] = {}


_current: ContextVar[_Budget] = ContextVar("budget")
current_budget = _current.get


def allowance(row: Mapping[str, Any]) -> int:
    """The units that rendering a block of this row may cost."""
    return _BASE + _PER_CHARACTER * sum(len(v) for v in row.values() if isinstance(v, str))


class limited:  # noqa: N801 - used like a function
    """Inside, `spend` draws on a new budget that fits the row."""

    __slots__ = ("_budget", "_token")

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._budget = _Budget(allowance(row))

    def __enter__(self) -> None:
        self._token = _current.set(self._budget)

    def __exit__(self, *error: object) -> None:
        _current.reset(self._token)


class limited_by_length(limited):  # noqa: N801
    """Inside, `spend` draws on a new budget that fits all texts in `value`, also in depth.

    The texts are counted only where the budget of an empty row is used up.
    """

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        self._budget = _Budget(_BASE, lambda: _PER_CHARACTER * _count_characters(value))


def spend(units: int) -> None:
    """Takes units from the budget. Raises `BudgetError` when it is used up."""
    budget = _current.get()
    budget.left -= units
    if budget.left < 0:
        exceed(budget)


def exceed(budget: _Budget) -> None:
    """Raises `BudgetError` unless the row has more units than it was given."""
    _require(budget, 0)


def _require(budget: _Budget, units: int) -> None:
    """Raises `BudgetError` unless so much is left."""
    if budget.more is not None:
        budget.left, budget.more = budget.left + budget.more(), None
    if budget.left < units:
        raise BudgetError(
            "it takes too many steps or makes too much text; look for a loop, a recursion or an "
            "operation that multiplies text"
        )


def spend_on(value: Any) -> None:
    """Takes the price of creating or reading `value`: its characters and, in depth, its items.

    A list that holds the same list many times costs what printing it would cost.
    """
    budget = _current.get()  # as `spend` does, without a call: this is most of the counting
    if isinstance(value, str):
        budget.left -= STEP + len(value)
    elif isinstance(value, _CONTAINERS):
        known = budget.prices.get(id(value))
        units = _weigh_items(budget, value) if known is None else known[1]
        if known is None and units > _WALKED_AGAIN:
            budget.prices[id(value)] = value, units
        budget.left -= units
    elif isinstance(value, int):
        check_number(value)
        budget.left -= STEP
    elif isinstance(value, range):
        budget.left -= STEP + STEP * len(value)  # the caller may iterate over it
        check_number(value.start)
        check_number(value.stop)
    else:
        budget.left -= STEP
    if budget.left < 0:
        exceed(budget)


def _weigh_items(budget: _Budget, value: Any) -> int:
    """The price of a list or dict. Raises `BudgetError` when it is more than the budget."""
    units = weighed = STEP
    waiting = [value]
    while waiting:
        held = waiting.pop()
        units += STEP + len(held) * STEP
        if isinstance(held, dict):
            for key in held:
                if type(key) is str:
                    units += len(key)
                elif isinstance(key, tuple):
                    units += STEP
                    waiting.append(key)
                else:
                    units += len(key) if isinstance(key, str) else STEP
            held = held.values()
        for item in held:
            kind = type(item)
            if kind is str:
                units += len(item)
            elif kind not in _SMALL and isinstance(item, _CONTAINERS):
                known = budget.prices.get(id(item))
                if known is None:
                    waiting.append(item)
                else:
                    units += known[1]
            elif isinstance(item, str):
                units += len(item)
        if units - weighed > _CHECKED:  # nested lists may have no end
            weighed = units
            if units > budget.left:
                _require(budget, units)
    return units


def spend_on_copy(value: Any) -> None:
    """Takes the price of copying a text, or a list whose items stay where they are."""
    size = len(value) if isinstance(value, (str, bytes)) else STEP * _count_items(value)
    spend(STEP + size)


def spend_on_item(value: Any) -> None:
    """Takes the price of handing a value on: of a list, its items are not looked at."""
    if isinstance(value, _CONTAINERS):
        spend(STEP + STEP * len(value))
    else:
        spend_on(value)


def _count_items(value: Any) -> int:
    return len(value) if isinstance(value, (list, tuple, dict, range)) else 0


def spend_on_search(text: str, looked_for: str | int) -> None:
    """Takes the price of looking for a text, or for one of that length, from the start."""
    spend(price_of_search(text, looked_for if isinstance(looked_for, int) else len(looked_for)))


def price_of_search(text: str, length: int) -> int:
    """The units of looking for a text of this length."""
    return len(text) * min(length, _NAIVE_LENGTH) // _COMPARED_PER_UNIT


def spend_on_comparing(text: str, other: str) -> None:
    """Takes the price of comparing all of `other` at each position of `text`."""
    spend(len(text) * len(other) // _COMPARED_PER_UNIT)


def check_number(value: int) -> None:
    """Refuses a number with more bits than any number of a row."""
    if value.bit_length() > MAX_BITS:
        raise BudgetError(f"a number has more than {MAX_BITS} bits")


def counted(items: Iterable[Any], price: int = 0) -> Iterator[Any]:
    """The items of a lazy sequence; taking one costs its own price plus `price`."""
    for item in items:
        spend_on_item(item)
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
