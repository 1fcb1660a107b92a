"""Dropped rows: how many are too many, and what the error says."""

from __future__ import annotations

import pytest

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.building.drops import check_drops
from sftdata.errors import GoldenSetError
from sftdata.writing.ledger import Ledger


def ledger(*reasons: Reason) -> Ledger:
    lines = [
        LedgerLine(f"r{i}", f"rows.jsonl:{i + 1}", Status.DROPPED, reason, "a detail")
        for i, reason in enumerate(reasons)
    ]
    return Ledger(lines)


def test_as_many_as_allowed_may_go() -> None:
    check_drops(ledger(Reason.EMPTY_FIELD), rows=100, max_dropped=1.0)


def test_more_is_an_error_with_the_first_row_and_the_way_out() -> None:
    with pytest.raises(GoldenSetError) as caught:
        check_drops(ledger(*[Reason.EMPTY_FIELD] * 3), rows=100, max_dropped=1.0)
    message = str(caught.value)
    assert message.startswith("rows.jsonl:1: a detail (empty_field, row 'r0'). 3 of 100 rows (3 %)")
    assert message.endswith("--max-dropped 3")


def test_drops_that_were_asked_for_are_no_fault() -> None:
    check_drops(ledger(*[Reason.DUPLICATE] * 60), rows=100, max_dropped=0.0)


def test_a_dataset_cannot_be_empty() -> None:
    with pytest.raises(GoldenSetError, match="All 2 rows are left out: 2 filtered"):
        check_drops(ledger(Reason.FILTERED, Reason.FILTERED), rows=2, max_dropped=0.0)
    with pytest.raises(GoldenSetError, match="a dataset cannot be empty"):
        check_drops(ledger(Reason.EMPTY_FIELD), rows=1, max_dropped=100.0)
