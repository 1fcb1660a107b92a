"""Duplicates: the first of equal rows stays, wherever it is; the ledger says which went."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_rows, write_spec

from sftdata.building.build import build
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


def details(golden: Golden) -> list[tuple[str, str]]:
    """Id and detail of each dropped row."""
    return [(e.row_id, e.detail) for e in Ledger.read(build_rows(golden).manifest).lines]


def test_the_ledger_names_the_row_that_was_kept() -> None:
    golden = [*rows(), rows()[3] | {"id": "copy"}, rows()[39] | {"article": "Another."}]
    said = [
        ("copy", "says the same as rows.jsonl:4 (row 'r3')"),
        ("r39", "the id 'r39' stands at rows.jsonl:40 and at rows.jsonl:42, with other fields"),
    ]
    assert details(golden) == said
    # The same when its block is reused, and when it has moved.
    golden[10]["summary"] = "Edited."
    assert details(golden) == said
    assert details([{"id": "new", "article": "A", "summary": "B"}, *golden])[0] == (
        "copy",
        "says the same as rows.jsonl:5 (row 'r3')",
    )


def test_a_near_duplicate_names_the_row_it_is_near_to(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer, "near_duplicates = 0.5\n")
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    golden = [*rows(), {"id": "a", "article": text, "summary": "S"}]
    golden.append({"id": "b", "article": f"{text} fifteen", "summary": "S"})
    assert ("b", "says nearly the same as rows.jsonl:41 (row 'a')") in details(golden)


def test_a_row_that_goes_for_its_id_takes_no_other_with_it() -> None:
    other = {"article": "What only this row says.", "summary": "It."}
    golden = [*rows(), {"id": "r3"} | other, {"id": "own"} | other]
    assert dropped(golden) == [("r3", "41", "repeated_id")]


def test_case_and_white_space_are_content_unless_the_spec_is_loose(byte_tokenizer: Path) -> None:
    first = rows()[3]
    golden = [*rows(), first | {"id": "upper", "article": first["article"].upper()}]
    golden.append(first | {"id": "spaces", "article": first["article"].replace(" ", "  ")})
    assert dropped(golden) == []
    write_spec(byte_tokenizer, 'duplicates = "loose"\n')
    assert [row for row, _, _ in dropped(golden)] == ["upper", "spaces"]


def test_with_most_rows_repeated_the_build_warns() -> None:
    write_rows([*rows(3), *(rows(1)[0] | {"id": f"c{i}"} for i in range(4))])
    said: list[str] = []
    build(spec="spec.toml", out="out", report=said.append)
    assert said == [
        "Warning: 4 of 7 rows say the same as another row and are dropped. See sftdata ledger, or "
        "keep them: --duplicates keep"
    ]
