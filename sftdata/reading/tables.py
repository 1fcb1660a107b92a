"""Read tables (CSV, TSV, Parquet, Arrow) as record batches, with every cell unchanged."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.errors import GoldenSetError
from sftdata.reading.columnar import read_columnar
from sftdata.reading.compression import READ_ERRORS, open_file, unreadable
from sftdata.reading.delimited import read_delimited
from sftdata.reading.sources import Source


@dataclass(frozen=True, slots=True)
class TableRows:
    """Some rows of a table.

    `batch`: the columns that were asked for. `lines`: int64[rows], where each row starts: the line
    in a CSV file, else the number of the row, both from 1. `columns`: the names of all columns.
    """

    batch: pa.RecordBatch
    lines: npt.NDArray[np.int64]
    columns: tuple[str, ...]


def read_tables(source: Source, wanted: Collection[str] | None = None) -> Iterator[TableRows]:
    """The rows of a table source, in order; never none at a time.

    Only columns in `wanted` (None: all) are read; the others may hold anything.
    Raises `GoldenSetError` for a file that is not what its name says, or a ragged CSV.
    """
    before = 0  # rows of the files before the batch
    start, end = source.rows or (0, sys.maxsize)
    for path in source.files:
        if source.format in ("csv", "tsv"):
            yield from _read_text(source, path, wanted)
            continue
        try:
            for columns, batch in read_columnar(source.name, source.format, path, wanted):
                first = min(max(start - before, 0), batch.num_rows)
                last = max(min(end - before, batch.num_rows), first)
                if last > first:
                    lines = np.arange(before + first + 1, before + last + 1)
                    yield TableRows(batch.slice(first, last - first), lines, columns)
                before += batch.num_rows
                if before >= end:
                    return
        except (pa.ArrowException, OSError) as error:
            raise GoldenSetError(
                f"{source.name}: cannot be read as {source.format}: {error}",
                "Check that the file is complete and that its name tells its format.",
            ) from error


def _read_text(source: Source, path: Path, wanted: Collection[str] | None) -> Iterator[TableRows]:
    try:
        stream = open_file(path, source.compression)
        for columns, batch, lines in read_delimited(source.name, source.format, stream, wanted):
            yield TableRows(batch, np.array(lines, np.int64), columns)
    except READ_ERRORS as error:
        raise unreadable(source.name, source.compression, error) from error
