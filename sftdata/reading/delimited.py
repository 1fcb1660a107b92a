"""Read CSV and TSV: every cell as it is in the file, with the line of each row."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.errors import GoldenSetError
from sftdata.reading.columnar import check_names

_BATCH_ROWS = 4096
_BATCH_CHARS = 8 * 1024 * 1024


def read_delimited(
    name: str, format_: str, stream: Any, wanted: Collection[str] | None
) -> Iterator[tuple[tuple[str, ...], pa.RecordBatch, list[int]]]:
    """The names of all columns, the `wanted` (None: all) of some rows, and their lines; never none.

    Every cell is text. The standard library's reader knows the line of each row and an open
    quotation mark, which faster ones do not.
    """
    csv.field_size_limit(sys.maxsize)
    delimiter = "\t" if format_ == "tsv" else ","
    # Bytes that are not UTF-8 become surrogates, which are found when the column is made.
    with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as text:
        rows = _rows(name, format_, csv.reader(text, delimiter=delimiter, strict=True))
        _, names = next(rows, (1, []))
        if not names:
            raise GoldenSetError(f"{name}: the file is empty.", "A CSV file starts with a header.")
        check_names(f"{name}:1", names)
        columns = tuple(names)
        lines: list[int] = []
        cells: list[list[str]] = []
        size = 0
        for line, row in rows:
            if len(row) != len(names):
                raise GoldenSetError(
                    f"{name}:{line}: {len(row)} cells; the header has {len(names)}.",
                    "Put cells that hold the delimiter or a line break in quotation marks.",
                )
            lines.append(line)
            cells.append(row)
            size += sum(map(len, row))
            if len(lines) == _BATCH_ROWS or size > _BATCH_CHARS:
                yield columns, _batch(name, names, wanted, lines, cells), lines
                lines, cells, size = [], [], 0
        if lines:
            yield columns, _batch(name, names, wanted, lines, cells), lines


def _rows(name: str, format_: str, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it starts on."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise GoldenSetError(
                f"{name}:{line}: not a row of {format_}: {error}.",
                "Look for a quotation mark that is not closed, or not doubled inside a cell.",
            ) from error
        if row:
            yield line, row


def _batch(
    name: str,
    names: list[str],
    wanted: Collection[str] | None,
    lines: list[int],
    cells: list[list[str]],
) -> pa.RecordBatch:
    try:
        made = {
            column: texts(values)
            for column, values in zip(names, zip(*cells, strict=True), strict=True)
            if wanted is None or column in wanted
        }
    except UnicodeEncodeError:
        line = next(n for n, row in zip(lines, cells, strict=True) if not _is_utf8(row))
        raise GoldenSetError(
            f"{name}:{line}: a cell holds bytes that are not UTF-8.",
            "Save the file as UTF-8.",
        ) from None
    return pa.RecordBatch.from_pydict(made)


def _is_utf8(row: list[str]) -> bool:
    try:
        "".join(row).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
