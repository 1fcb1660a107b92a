"""Peek at the first rows of a source, to learn what its columns are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from sftdata.reading.chunks import Chunk, read_chunks
from sftdata.reading.sources.resolve import Source
from sftdata.reading.tables.columns import plain_column, python_values

_PEEKED_ROWS = 64


def peek_rows(source: Source) -> list[dict[str, Any]]:
    """The first rows of a source with all their columns; lines that are no JSON objects left out.

    Raises `GoldenSetError` for a file that cannot be read.
    """
    return first_rows(next(read_chunks(source, 0), ()))


def first_rows(chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    """The first rows of some chunks. A column of a table that is not read holds None."""
    rows: list[dict[str, Any]] = []
    for chunk in chunks:
        if isinstance(chunk.data, memoryview):
            rows += _json_rows(chunk.data)
        else:
            rows += _table_rows(chunk.data, chunk.columns)
        if len(rows) >= _PEEKED_ROWS:
            break
    return rows[:_PEEKED_ROWS]


def _table_rows(batch: pa.RecordBatch, columns: Sequence[str] | None) -> list[dict[str, Any]]:
    batch = batch.slice(0, _PEEKED_ROWS)
    values = {
        name: python_values(plain_column(column))
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    unread = dict.fromkeys(columns or ())
    return [
        unread | {name: column[at] for name, column in values.items()}
        for at in range(batch.num_rows)
    ]


def _json_rows(lines: memoryview) -> list[dict[str, Any]]:
    rows = []
    for line in bytes(lines).split(b"\n"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # parsing says so, with the line
        if isinstance(row, dict):
            rows.append(row)
        if len(rows) == _PEEKED_ROWS:
            break
    return rows
