"""The first rows of a source, of any format, with all their columns."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sftdata.reading.chunks import read_chunks
from sftdata.reading.peek import first_rows, peek_rows
from sftdata.reading.sources.resolve import resolve_sources

ROWS = [{"a": f"x{i}", "b": [i]} for i in range(100)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_first_rows_of_lines_and_tables_are_the_same() -> None:
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    pq.write_table(pa.Table.from_pylist(ROWS), "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        (source,) = resolve_sources([name])
        assert peek_rows(source) == ROWS[:64]


def test_a_column_that_is_not_read_is_named_without_its_values() -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), "a.parquet")
    (source,) = resolve_sources(["a.parquet"])
    chunks = next(read_chunks(source, 0, columns={"a"}))
    assert first_rows(chunks)[0] == {"a": "x0", "b": None}


def test_what_is_no_row_is_left_to_the_parser() -> None:
    Path("a.jsonl").write_text('{"a": 1}\n[1]\nnot json\n')
    (source,) = resolve_sources(["a.jsonl"])
    assert peek_rows(source) == [{"a": 1}]


def test_an_empty_file_has_no_first_row() -> None:
    Path("a.jsonl").write_text("")
    (source,) = resolve_sources(["a.jsonl"])
    assert peek_rows(source) == []
