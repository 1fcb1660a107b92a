"""Filters of the page of rows: what can be chosen, how many rows that leaves, and which."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sftdata.inspecting.doctor.row_findings import RowFinding
from sftdata.inspecting.pages.filters import Filter, ListedRow, make_filters


def listed(split: str, tokens: int, *reasons: str, findings: tuple[str, ...] = ()) -> ListedRow:
    example = SimpleNamespace(template="t@1.0.0")
    row: Any = SimpleNamespace(split=split, task="t", example=example, tokens=[None] * tokens)
    return ListedRow(row, reasons, [RowFinding(name, "note", "", "") for name in findings])


def choices(one: Filter) -> dict[str, int]:
    return {option.label: option.rows for option in one.options}


def test_only_what_differs_is_a_filter_and_each_choice_has_its_number_of_rows() -> None:
    rows = [
        listed("train", 64, "max_length", "placeholder"),
        listed("train", 127, "placeholder"),
        listed("test", 1_024, findings=("phone-number",)),
    ]
    filters, classes = make_filters(rows)
    assert {one.title: choices(one) for one in filters} == {
        "split": {"train": 2, "test": 1},
        "tokens": {"64 to 127": 2, "1,024 to 2,047": 1},
        "ledger": {"placeholder": 2, "max_length": 1, "none": 1},
        "finding": {"phone-number": 1, "none": 2},
    }
    assert classes == [
        "split-0 tokens-0 ledger-1 ledger-0 finding-1",
        "split-0 tokens-0 ledger-0 finding-1",
        "split-1 tokens-1 ledger-2 finding-0",
    ]


def test_rows_that_are_alike_need_no_filter() -> None:
    assert make_filters([listed("train", 64), listed("train", 65)]) == ([], ["", ""])
