"""Filters of a page of rows: a choice in each group, and the style that hides the other rows.

The page has no script, so a filter is a radio button and a rule of CSS on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sftdata.inspecting.doctor.row_findings import RowFinding
from sftdata.inspecting.rows.inspector import InspectedRow

_NONE = "none"  # the choice of rows without a reason or a finding


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row of the page with its ledger reasons and findings."""

    row: InspectedRow
    reasons: Sequence[str]  # of its lines in the ledger
    findings: Sequence[RowFinding]


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a filter."""

    id: str  # of the button, and the CSS class of the rows that it shows
    label: str
    rows: int


@dataclass(frozen=True, slots=True)
class Filter:
    """The choices of one kind; each row has one of them or more."""

    title: str
    options: Sequence[Option]


def make_filters(rows: Sequence[ListedRow]) -> tuple[list[Filter], list[str]]:
    """The filters in which the rows differ, and the classes of each row."""
    filters: list[Filter] = []
    classes: list[list[str]] = [[] for _ in rows]
    for kind, read in _READERS.items():
        values = [list(dict.fromkeys(read(row))) or [_NONE] for row in rows]
        counts = Counter(value for of_row in values for value in of_row)
        if len(counts) < 2:
            continue
        options = {
            label: Option(f"{kind}-{number}", label, counts[label])
            for number, label in enumerate(sorted(counts, key=_ORDERS[kind](counts)))
        }
        filters.append(Filter(kind, list(options.values())))
        for own, of_row in zip(classes, values, strict=True):
            own += [options[value].id for value in of_row]
    return filters, [" ".join(own) for own in classes]


def _length_class(tokens: int) -> str:
    """Lengths by doublings: "64 to 127"."""
    low = 1 << (tokens.bit_length() - 1)
    return f"{low:,} to {2 * low - 1:,}"


# For each filter the values of a row.
_READERS: dict[str, Callable[[ListedRow], Iterable[str]]] = {
    "split": lambda one: [one.row.split],
    "task": lambda one: [one.row.task],
    "template": lambda one: [one.row.example.template],
    "tokens": lambda one: [_length_class(len(one.row.tokens))],
    "ledger": lambda one: one.reasons,
    "finding": lambda one: [finding.id for finding in one.findings],
}


def _in_order(labels: Iterable[str]) -> _Order:
    places = {label: place for place, label in enumerate(labels)}
    return lambda label: (places[label],)


def _by_number(_: Counter[str]) -> _Order:
    return lambda label: (int(label.split()[0].replace(",", "")),)


def _by_count(counts: Counter[str]) -> _Order:
    return lambda label: (label == _NONE, -counts[label], label)


_Order = Callable[[str], tuple[int | str, ...]]
# For each filter the order of its choices.
_ORDERS: dict[str, Callable[[Counter[str]], _Order]] = {
    "split": _in_order,
    "task": _by_count,
    "template": _by_count,
    "tokens": _by_number,
    "ledger": _by_count,
    "finding": _by_count,
}
