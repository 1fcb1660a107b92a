"""The ledger as text: each line names its row once."""

from __future__ import annotations

import pytest

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.cli.ledger import describe


@pytest.mark.parametrize(
    ("row_id", "text"),
    [
        ("n4", "a.csv:4: dropped, blank_row: all cells are empty (row n4)"),
        ("a.csv:4", "a.csv:4: dropped, blank_row: all cells are empty"),
    ],
)
def test_a_row_that_is_named_by_its_place_is_named_once(row_id: str, text: str) -> None:
    line = LedgerLine(row_id, "a.csv:4", Status.DROPPED, Reason.BLANK_ROW, "all cells are empty")
    assert describe(line) == text
