"""Ledger lines: the place of a row in its chunk becomes its place in the source."""

from __future__ import annotations

from sftdata.base.ledger_line import BlockLedgerLine, LedgerLine
from sftdata.base.reasons import Reason, Status


def test_a_line_of_a_block_gets_the_place_where_its_chunk_starts() -> None:
    line = BlockLedgerLine("r7", 2, Status.DROPPED, Reason.EMPTY_FIELD, "'a' is empty")
    assert line.in_source("news.jsonl", 101) == LedgerLine(
        "r7", "news.jsonl:103", Status.DROPPED, Reason.EMPTY_FIELD, "'a' is empty"
    )


def test_a_row_without_an_id_is_named_by_its_place() -> None:
    line = BlockLedgerLine("", 0, Status.DROPPED, Reason.EMPTY_FIELD, "'a' is empty")
    assert line.in_source("news.jsonl", 17).row_id == "news.jsonl:17"
