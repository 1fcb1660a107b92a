"""Duplicates: the first of equal rows stays, wherever it is; the ledger says which went."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_spec

from sftdata.writing.ledger import Ledger

Golden = list[dict[str, str]]


@pytest.fixture(autouse=True)
def _spec(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)


def dropped(golden: Golden) -> list[tuple[str, str, str]]:
    """Id, line and reason of each dropped row."""
    ledger = Ledger.read(build_rows(golden).manifest)
    return [(line.row_id, line.source.rpartition(":")[2], line.reason) for line in ledger.lines]


def test_a_row_with_the_content_of_an_earlier_one_is_dropped() -> None:
    golden = [*rows(), rows()[3] | {"id": "copy"}]
    assert dropped(golden) == [("copy", "41", "duplicate")]


def test_an_id_that_stands_twice_is_dropped_the_second_time() -> None:
    golden = [*rows(), {"id": "r3", "article": "Another article.", "summary": "Another."}]
    assert dropped(golden) == [("r3", "41", "repeated_id")]


def test_a_rebuild_drops_the_same_rows() -> None:
    golden = [*rows(), rows()[3] | {"id": "copy"}]
    first = dropped(golden)
    golden[10]["summary"] = "Edited."
    assert dropped(golden) == first


def test_if_the_first_of_two_goes_the_second_stays() -> None:
    golden = [*rows(), rows()[3] | {"id": "copy"}]
    dropped(golden)
    assert dropped(golden[:3] + golden[4:]) == []
