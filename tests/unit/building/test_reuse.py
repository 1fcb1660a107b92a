"""Reuse: a group of chunks knows which of its blocks are to be made, and takes them in order."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_spec

from sftdata.writing.journal import read_journal


@pytest.fixture(autouse=True)
def _spec(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)


def test_the_same_rows_are_up_to_date() -> None:
    build_rows(rows())
    again = build_rows(rows())
    assert (again.up_to_date, again.reused_rows) == (True, 40)


def test_only_the_chunk_of_an_edited_row_is_made_again() -> None:
    built = build_rows(rows()).manifest
    lines = read_journal(built.directory / "shards" / built["build"]).blocks
    largest = max(max(line.entry["chunks"]["rows"]) for line in lines)
    golden = rows()
    golden[20]["summary"] = "Edited."
    outcome = build_rows(golden)
    assert not outcome.up_to_date
    assert 40 - largest - 1 <= outcome.reused_rows < 40


def test_a_rebuild_equals_a_fresh_build() -> None:
    build_rows(rows())
    golden = [*rows()[5:], {"id": "new", "article": "A new one.", "summary": "New."}]
    rebuilt, fresh = build_rows(golden), build_rows(golden, out="fresh")
    assert rebuilt.reused_rows > 0
    assert rebuilt.manifest.content == fresh.manifest.content


def test_nothing_is_reused_under_another_option(byte_tokenizer: Path) -> None:
    build_rows(rows())
    write_spec(byte_tokenizer, "max_length = 200\n")
    assert build_rows(rows()).reused_rows == 0
