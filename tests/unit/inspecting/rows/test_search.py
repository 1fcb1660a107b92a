"""Search over the rows of a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.plain import build_plain

from sftdata.inspecting.rows.inspector import Inspector
from sftdata.inspecting.rows.search import find_text
from sftdata.inspecting.rows.select import RowFilter, RowSet, find_rows
from sftdata.loading.text import TextReader
from sftdata.tokenizing.decoder import Decoder

ROWS = [{"id": f"r{i}", "article": f"Number {i} " * 5, "summary": f"Sum {i}."} for i in range(1500)]
ROWS[700] |= {"article": "A Needle in the hay."}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> RowSet:
    data = build_plain(tmp_path_factory.mktemp("searching"), ROWS, tokenizer=byte_tokenizer)
    return find_rows(data, list(data), RowFilter())


@pytest.fixture(scope="module")
def decoder(rows: RowSet) -> Decoder:
    return Decoder(Inspector(rows.data).tokenizer)


def row_id(rows: RowSet, number: int | None) -> str:
    assert number is not None
    return rows[number][1].row_id


def test_the_first_row_with_the_text_is_found_from_anywhere(rows: RowSet, decoder: Decoder) -> None:
    for start in (0, 600, len(rows) - 1):
        assert row_id(rows, find_text(rows, decoder, "needle IN", start)) == "r700"


def test_every_match_is_found_in_turn_and_then_the_first_again(
    rows: RowSet, decoder: Decoder
) -> None:
    expected = [n for n in range(len(rows)) if "Sum 99" in text_of(rows, n)]
    assert len(expected) > 5
    found, start = [], 0
    for _ in range(len(expected) + 1):
        number = find_text(rows, decoder, "sum 99", start)
        assert number is not None
        found.append(number)
        start = number + 1
    assert found == [*expected, expected[0]]


def text_of(rows: RowSet, number: int) -> str:
    return "".join(TextReader(rows.data).read(rows[number][1]))


def test_a_row_is_found_by_its_id(rows: RowSet, decoder: Decoder) -> None:
    assert row_id(rows, find_text(rows, decoder, "R1499", 0)) == "r1499"


def test_what_no_row_holds_is_not_found_and_a_search_can_be_stopped(
    rows: RowSet, decoder: Decoder
) -> None:
    assert find_text(rows, decoder, "not there", 10) is None
    assert find_text(rows, decoder, "needle", 0, lambda: False) is None
