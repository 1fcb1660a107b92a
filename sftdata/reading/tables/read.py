"""Read tables (CSV, TSV, Excel, Parquet, Arrow) as record batches, with every cell unchanged."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.errors import GoldenSetError
from sftdata.reading.files.compression import READ_ERRORS, open_file, unreadable
from sftdata.reading.sources.resolve import Source
from sftdata.reading.tables.columnar import read_columnar
from sftdata.reading.tables.delimited import DelimitedFile
from sftdata.reading.tables.dialects import Quoting


@dataclass(frozen=True, slots=True)
class TableRows:
    """Some rows of a table.

    `batch`: the columns that were asked for. `lines`: int64[rows], where each row starts: the line
    in a CSV file, else the number of the row (of a sheet: as it shows it), from 1. `columns`: the
    names of all columns. `notes`: for the user. A row of a CSV file or a sheet that has no cell at
    all is null in every column.
    """

    batch: pa.RecordBatch
    lines: npt.NDArray[np.int64]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_tables(
    source: Source, wanted: Collection[str] | None = None, quoting: Quoting = None
) -> Iterator[TableRows]:
    """The rows of a table source, in order; never none at a time.

    Only columns in `wanted` (None: all) are read; the others may hold anything.
    Raises `GoldenSetError` for a file that is not what its name says, or a ragged CSV.
    """
    before = 0  # rows of the files before the batch
    start, end = source.rows or (0, sys.maxsize)
    for path in source.files:
        if source.format in ("csv", "tsv"):
            yield from _read_text(source, path, wanted, quoting)
            continue
        if source.format == "xlsx":
            from sftdata.reading.tables.workbooks import read_sheet  # openpyxl is an extra

            for sheet in read_sheet(source.name, path, source.sheet, wanted):
                lines = np.array(sheet.lines, np.int64)
                yield TableRows(sheet.batch, lines, sheet.columns, tuple(sheet.notes))
            continue
        try:
            for columns, batch in read_columnar(
                source.name, source.format, path, wanted, source.meter
            ):
                first = min(max(start - before, 0), batch.num_rows)
                last = max(min(end - before, batch.num_rows), first)
                if last > first:
                    lines = np.arange(before + first + 1, before + last + 1)
                    yield TableRows(batch.slice(first, last - first), lines, columns)
                before += batch.num_rows
                if before >= end:
                    return
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise GoldenSetError(
                f"{source.name}: cannot be read as {source.format}: {error}",
                "Check that the file is complete and that its name tells its format.",
            ) from error


def _read_text(
    source: Source, path: Path, wanted: Collection[str] | None, quoting: Quoting
) -> Iterator[TableRows]:
    is_text = ".txt" in [suffix.lower() for suffix in path.suffixes[-2:]]
    file = DelimitedFile(
        source.name,
        ".txt" if is_text and source.format == "tsv" else f".{source.format}",
        lambda: open_file(path, source.compression, source.meter),
        quoting,
    )
    try:
        for rows in file.read(wanted):
            lines = np.array(rows.lines, np.int64)
            yield TableRows(rows.batch, lines, rows.columns, tuple(rows.notes))
    except READ_ERRORS as error:
        raise unreadable(source.name, source.compression, error) from error
