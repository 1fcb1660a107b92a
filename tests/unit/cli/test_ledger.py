"""The ledger as text: each line names its row once."""

from __future__ import annotations

import pytest

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.cli.ledger import describe, list_rows, summarize


@pytest.mark.parametrize(
    ("row_id", "text"),
    [
        ("n4", "a.csv:4 (row n4): dropped, blank_row: all cells are empty"),
        ("a.csv:4", "a.csv:4: dropped, blank_row: all cells are empty"),
    ],
)
def test_a_row_that_is_named_by_its_place_is_named_once(row_id: str, text: str) -> None:
    line = LedgerLine(row_id, "a.csv:4", Status.DROPPED, Reason.BLANK_ROW, "all cells are empty")
    assert describe(line) == text


def test_the_summary_counts_and_explains_each_reason() -> None:
    lines = [
        LedgerLine("n1", "a.csv:1", Status.FLAGGED, "placeholder", ""),
        LedgerLine("n2", "a.csv:2", Status.DROPPED, Reason.BLANK_ROW, ""),
        LedgerLine("n3", "a.csv:3", Status.DROPPED, Reason.EMPTY_FIELD, ""),
        LedgerLine("n4", "a.csv:4", Status.DROPPED, Reason.EMPTY_FIELD, ""),
    ]
    assert summarize(lines, lambda reason: f"Why {reason}.") == [
        "        2 dropped  empty_field  Why empty_field.",
        "        1 dropped  blank_row    Why blank_row.",
        "        1 flagged  placeholder  Why placeholder.",
    ]


def test_rows_with_the_same_detail_stand_below_it() -> None:
    lines = [
        LedgerLine(f"n{i}", f"a.csv:{i}", Status.DROPPED, Reason.EMPTY_FIELD, "'s' is empty")
        for i in range(2, 5)
    ]
    lines.insert(1, LedgerLine("n9", "a.csv:9", Status.FLAGGED, "placeholder", "'s' is \x1b"))
    assert list(list_rows(lines)) == [
        "dropped, empty_field: 's' is empty: 3 rows",
        "  a.csv:2 (row n2)",
        "  a.csv:3 (row n3)",
        "  a.csv:4 (row n4)",
        "a.csv:9 (row n9): flagged, placeholder: 's' is \\x1b",
    ]
    assert len(list(list_rows(lines[:3]))) == 3  # two alike stay apart
