"""Read tables (CSV, TSV, Parquet, Arrow) as record batches, with every cell unchanged."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base import arrow as columns
from sftdata.errors import GoldenSetError
from sftdata.reading.sources import Source

_BATCH_ROWS = 4096
_BATCH_CHARS = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TableRows:
    """Some rows of a table. `lines`: int64[rows], where each starts: the line in a CSV file, else
    the number of the row, both from 1."""

    batch: pa.RecordBatch
    lines: npt.NDArray[np.int64]


def open_source(path: Path, compression: str | None) -> Any:
    """A binary stream of the file's decompressed bytes; it raises at a damaged or cut-off end."""
    if compression == "gzip":
        return gzip.open(path, "rb")  # Arrow's gzip stream takes a cut-off file for a short one
    if compression == "zstd":
        return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return path.open("rb")


def read_tables(source: Source) -> Iterator[TableRows]:
    """The rows of a table source, in order; never none at a time.

    Raises `GoldenSetError` for a file that is not what its name says, or a ragged CSV.
    """
    before = 0  # rows of the files before the batch
    start, end = source.rows or (0, sys.maxsize)
    for path in source.files:
        if source.format in ("csv", "tsv"):
            yield from _read_csv(source, path)
            continue
        try:
            for batch in _read_batches(source, path):
                _check_names(source.name, batch.schema.names)
                batch.validate(full=True)  # an Arrow file may claim that any bytes are UTF-8
                first = min(max(start - before, 0), batch.num_rows)
                last = max(min(end - before, batch.num_rows), first)
                if last > first:
                    lines = np.arange(before + first + 1, before + last + 1)
                    yield TableRows(batch.slice(first, last - first), lines)
                before += batch.num_rows
                if before >= end:
                    return
        except (pa.ArrowException, OSError) as error:
            raise GoldenSetError(
                f"{source.name}: cannot be read as {source.format}: {error}",
                "Check that the file is complete and that its name tells its format.",
            ) from error


def _read_batches(source: Source, path: Path) -> Iterator[pa.RecordBatch]:
    for batch in _read_parquet(path) if source.format == "parquet" else _read_arrow(path):
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            yield batch.slice(start, _BATCH_ROWS)


def _read_parquet(path: Path) -> Iterator[pa.RecordBatch]:
    from pyarrow.parquet import ParquetFile  # with a file system for every cloud, it loads slowly

    return ParquetFile(path).iter_batches(batch_size=_BATCH_ROWS)  # type: ignore[no-any-return]


def _read_arrow(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as mapped:
        try:
            file = pa.ipc.open_file(mapped)
        except pa.ArrowInvalid:  # `datasets` writes the stream format
            mapped.seek(0)
            yield from pa.ipc.open_stream(mapped)
            return
        for i in range(file.num_record_batches):
            yield file.get_batch(i)


def _read_csv(source: Source, path: Path) -> Iterator[TableRows]:
    """Every cell as text. The standard library's reader knows the line of each row and an open
    quotation mark, which faster ones do not."""
    csv.field_size_limit(sys.maxsize)
    delimiter = "\t" if source.format == "tsv" else ","
    with (
        open_source(path, source.compression) as stream,
        # Bytes that are not UTF-8 become surrogates, which are found when the column is made.
        io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as text,
    ):
        rows = _csv_rows(source, csv.reader(text, delimiter=delimiter, strict=True))
        _, names = next(rows, (1, []))
        if not names:
            raise GoldenSetError(
                f"{source.name}: the file is empty.", "A CSV file starts with a header."
            )
        _check_names(f"{source.name}:1", names)
        lines: list[int] = []
        cells: list[list[str]] = []
        size = 0
        for line, row in rows:
            if len(row) != len(names):
                raise GoldenSetError(
                    f"{source.name}:{line}: {len(row)} cells; the header has {len(names)}.",
                    "Put cells that hold the delimiter or a line break in quotation marks.",
                )
            lines.append(line)
            cells.append(row)
            size += sum(map(len, row))
            if len(lines) == _BATCH_ROWS or size > _BATCH_CHARS:
                yield _table_rows(source, names, lines, cells)
                lines, cells, size = [], [], 0
        if lines:
            yield _table_rows(source, names, lines, cells)


def _csv_rows(source: Source, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it starts on."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise GoldenSetError(
                f"{source.name}:{line}: not a row of {source.format}: {error}.",
                "Look for a quotation mark that is not closed, or not doubled inside a cell.",
            ) from error
        except (OSError, EOFError, zlib.error) as error:
            raise GoldenSetError(
                f"{source.name}: the {source.compression} data is damaged or cut: {error}",
                "Compress or copy the file again.",
            ) from error
        if row:
            yield line, row


def _table_rows(
    source: Source, names: list[str], lines: list[int], cells: list[list[str]]
) -> TableRows:
    try:
        made = {
            name: columns.texts(column)
            for name, column in zip(names, zip(*cells, strict=True), strict=True)
        }
    except UnicodeEncodeError:
        line = next(n for n, row in zip(lines, cells, strict=True) if not _is_utf8(row))
        raise GoldenSetError(
            f"{source.name}:{line}: a cell holds bytes that are not UTF-8.",
            "Save the file as UTF-8.",
        ) from None
    return TableRows(pa.RecordBatch.from_pydict(made), np.array(lines, np.int64))


def _is_utf8(row: list[str]) -> bool:
    try:
        "".join(row).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_names(where: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise GoldenSetError(
            f"{where}: the column '{repeated[0]}' stands there more than once.",
            "Give every column its own name.",
        )
