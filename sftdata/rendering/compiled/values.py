"""Values of expressions over text: their Python code, their kind, and how large they can be.

The syntax tree of a template tells all three. `operations` has the values of methods and filters,
and `compiler` puts the code of a block together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Kind(Enum):
    """The kind of an expression, the same in every row."""

    TEXT = auto()
    NUMBER = auto()
    FLAG = auto()
    TEXTS = auto()  # a list or tuple of texts
    STREAM = auto()  # an iterator of texts in Jinja, a list here; it can only be iterated over
    ANY = auto()  # one of several: it can only be asked whether it is true


PRINTED = frozenset({Kind.TEXT, Kind.NUMBER, Kind.FLAG})
LISTS = frozenset({Kind.TEXTS, Kind.STREAM})
ASKED = frozenset(Kind) - {Kind.STREAM}  # for whether it is true

# A sum of lengths: how often that of each variable is in it, and under "" a constant.
Size = Counter[str]

# Numbers are lengths, places, fields, and sums of these and of literals; none has more digits.
_DIGITS = 32
LARGEST_LITERAL = 10**9


class NotCompilableError(Exception):
    """A block has a node that only Jinja can render."""


@dataclass(frozen=True, slots=True)
class Value:
    """An expression. Its code has neither quotes nor backslashes, so that it can be in a string."""

    code: str
    kind: Kind
    size: Size = field(default_factory=Counter)  # at most so many characters
    count: Size = field(default_factory=Counter)  # of a list, at most so many items
    constant: Any = None  # the value of a literal

    @property
    def printed_size(self) -> Size:
        """At most so many characters when it is printed."""
        return self.size if self.kind is Kind.TEXT else Counter({"": _DIGITS})

    @property
    def printed_code(self) -> str:
        """Code of it as text."""
        return self.code if self.kind is Kind.TEXT else f"str({self.code})"


def times(size: Size, factor: int) -> Size:
    """A multiple of a size."""
    return Counter({name: number * factor for name, number in size.items()})


def total(sizes: Iterable[Size]) -> Size:
    """The sum of all sizes."""
    return sum(sizes, Counter())


def over_items(size: Size, item: str, items: Value) -> Size:
    """The sum over all items of a list. `size` is of one item, in terms of the item's length."""
    if size.keys() - {item, ""}:
        raise NotCompilableError("a product of lengths")
    return times(items.count, size[""]) + times(items.size, size[item])


def sum_code(size: Size) -> str:
    """Code of the number that a size is in one row."""
    terms = [f"{number} * len({name})" if name else f"{number}" for name, number in size.items()]
    return " + ".join(terms) or "0"
