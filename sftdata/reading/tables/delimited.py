"""Read CSV and TSV: every cell as it is in the file, with the line of each row.

The standard library's reader knows the line of each row and an open quotation mark, which faster
ones do not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flags, texts
from sftdata.base.sizes import MAX_ROW_BYTES
from sftdata.errors import GoldenSetError
from sftdata.reading.files.encodings import open_text
from sftdata.reading.row_limit import with_limit
from sftdata.reading.tables import delimited_faults as faults
from sftdata.reading.tables.columnar import check_names
from sftdata.reading.tables.dialects import Dialect, Quoting, sniff_dialect
from sftdata.reading.tables.quotation import QuotationCheck

_BATCH_ROWS = 4096
_BATCH_CHARS = 8 * 1024 * 1024
_HEAD_CHARS = 256 * 1024  # that tell the dialect

_Row = tuple[int, int, list[str]]  # its first and last line, its cells


@dataclass(frozen=True, slots=True)
class DelimitedRows:
    """Some rows: see `TableRows`. `notes`: for the user, each once in a file."""

    batch: pa.RecordBatch
    lines: list[int]
    columns: tuple[str, ...]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class DelimitedFile:
    """A file of rows, one below another, of cells between delimiters."""

    name: str  # for messages
    suffix: str  # .csv, .tsv or .txt
    open: Callable[[], AbstractContextManager[Any]]  # a binary stream of the decompressed bytes
    quoting: Quoting = None

    def read(self, wanted: Collection[str] | None) -> Iterator[DelimitedRows]:
        """The rows in order, with the `wanted` columns (None: all) as text; never none at a time.

        A row without any cell has null in every column.
        Raises `GoldenSetError` with the line for text that is no row of the table.
        """
        try:
            yield from self._read(wanted)
        except UnicodeDecodeError as error:
            raise GoldenSetError(
                f"{self.name}: the text is cut or damaged: {error.reason} in {error.encoding}.",
                "Copy the file again, or save it as UTF-8.",
            ) from error

    def _read(self, wanted: Collection[str] | None) -> Iterator[DelimitedRows]:
        csv.field_size_limit(MAX_ROW_BYTES)
        dialect = self._sniff()
        with self._open(dialect.line_end) as text:
            for _ in range(dialect.skipped):
                text.readline()
            rows = self._rows(dialect, dialect.reader(text))
            header_line, _, header = next((row for row in rows if any(row[2])), (1, 1, []))
            if not header:
                raise GoldenSetError(
                    f"{self.name}: the file is empty.",
                    "The first line of a table names its columns.",
                    code="E207",
                )
            table = _Table(self, dialect, header_line, header)
            yield from table.read(rows, wanted)

    def has_row(self, dialect: Dialect, is_wanted: Callable[[list[str]], bool]) -> bool:
        """Whether there is such a row on a line of its own."""
        with self._open(dialect.line_end) as text:
            reader = dialect.reader(text, strict=False)
            before = 0
            for row in reader:
                if reader.line_num == before + 1 and is_wanted(row):
                    return True
                before = reader.line_num
        return False

    def raw_lines(self, dialect: Dialect, first: int, last: int) -> list[str]:
        """Lines of the file as they are."""
        with self._open(dialect.line_end) as text:
            return list(islice(text, first - 1, last))

    @contextmanager
    def _open(self, line_end: str) -> Iterator[io.TextIOWrapper]:
        with self.open() as file:
            encoding, stream = open_text(with_limit(self.name, file))
            # Bytes that are not UTF-8 become surrogates, which are found when the column is made.
            errors = "surrogateescape" if encoding.is_utf8 else "surrogatepass"
            with io.TextIOWrapper(stream, encoding.name, errors=errors, newline=line_end) as text:
                yield text

    def _sniff(self) -> Dialect:
        with self._open("") as text:
            head = text.read(_HEAD_CHARS)
            is_utf8 = text.encoding == "utf-8"
            return sniff_dialect(
                self.name,
                self.suffix,
                head,
                self.quoting,
                is_utf16=not is_utf8,
                is_whole=len(head) < _HEAD_CHARS,
            )

    def _rows(self, dialect: Dialect, reader: Any) -> Iterator[_Row]:
        """Each row but empty lines."""
        skipped = dialect.skipped
        while True:
            line = reader.line_num + 1 + skipped
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                last = reader.line_num + skipped
                raise faults.broken_row(self, dialect, line, last, str(error)) from error
            if row:
                yield line, reader.line_num + skipped, row


class _Table:
    """The rows below a header."""

    def __init__(
        self, file: DelimitedFile, dialect: Dialect, line: int, header: Sequence[str]
    ) -> None:
        self._file, self._dialect = file, dialect
        self._header = header
        for name in header:
            faults.check_text(file.name, line, name, "the header", dialect.line_end)
        self._place = f"{file.name}:{line}"
        # The names that pandas gives, too, to columns without one.
        self._names = [name.strip() or f"Unnamed: {at}" for at, name in enumerate(header)]
        self._unnamed = [at for at, name in enumerate(header) if not name.strip()]
        self._check = QuotationCheck(dialect.delimiter, header, dialect.line_end)
        self._is_checked = dialect.is_quoted and file.quoting is None
        self._is_proven = self._is_settled = self._is_noted = False
        self._columns: tuple[str, ...] | None = None
        self._notes = [] if dialect.note is None else [dialect.note]

    def read(self, rows: Iterator[_Row], wanted: Collection[str] | None) -> Iterator[DelimitedRows]:
        check_names(self._place, [n for n in self._names if wanted is None or n in wanted])
        width = len(self._names)
        lines: list[int] = []
        cells: list[Sequence[str]] = []
        size = 0
        for line, last, row in rows:
            if len(row) != width:
                row = self._fit(line, last, row)
            if self._is_checked and (last > line + 1 or not self._is_settled):
                self._check_quotation(line, last, row)
            lines.append(line)
            cells.append(row)
            size += sum(map(len, row))
            if len(lines) == _BATCH_ROWS or size > _BATCH_CHARS:
                yield self._rows(lines, cells, wanted)
                lines, cells, size = [], [], 0
        if lines:
            yield self._rows(lines, cells, wanted)

    def _rows(
        self, lines: list[int], cells: list[Sequence[str]], wanted: Collection[str] | None
    ) -> DelimitedRows:
        values = list(zip(*cells, strict=True))
        blank = np.zeros(len(cells), np.bool_)
        for at, cell in enumerate(values[0]):
            if not cell or cell.isspace():
                blank[at] = not "".join(cells[at]).strip()
        if self._columns is None:
            unnamed = {at for at in self._unnamed if not any(map(str.strip, values[at]))}
            self._columns = tuple(n for at, n in enumerate(self._names) if at not in unnamed)
        made = {
            name: self._column(at, values[at], lines, cells, blank)
            for at, name in enumerate(self._names)
            if (name in self._columns if wanted is None else name in wanted)
        }
        if made:
            batch = pa.RecordBatch.from_pydict(made)
        else:
            rows = pa.StructArray.from_arrays([], [], mask=flags(np.zeros(len(lines), np.bool_)))
            batch = pa.RecordBatch.from_struct_array(rows)
        if not (self._dialect.is_quoted or self._file.quoting or self._is_noted):
            self._note_quotation(values, lines)
        notes, self._notes = self._notes, []
        return DelimitedRows(batch, lines, self._columns, notes)

    def _column(
        self,
        at: int,
        values: Sequence[str],
        lines: Sequence[int],
        cells: Sequence[Sequence[str]],
        blank: npt.NDArray[np.bool_],
    ) -> pa.LargeStringArray:
        try:
            column = texts(values)
        except UnicodeEncodeError:
            for line, row in zip(lines, cells, strict=True):
                end = self._dialect.line_end
                line += sum(cell.count(end) for cell in row[:at])
                faults.check_text(self._file.name, line, row[at], f"'{self._names[at]}'", end)
            raise
        if not blank.any():
            return column
        return pc.if_else(flags(blank), pa.nulls(len(column), column.type), column)

    def _note_quotation(self, values: Sequence[Sequence[str]], lines: Sequence[int]) -> None:
        """Notes the first cell that looks quoted in a file where quotation marks are text."""
        first = [
            next((at for at, c in enumerate(column) if _is_quoted(c)), None) for column in values
        ]
        found = [at for at in first if at is not None]
        if found:
            self._is_noted = True
            self._notes.append(
                f"{self._file.name}:{lines[min(found)]}: quotation marks are text in a TSV file; "
                'if they are meant to quote, set quoting = "csv".'
            )

    def _fit(self, line: int, last: int, row: list[str]) -> list[str]:
        """The row with as many cells as the header, if only empty cells without a name differ."""
        width = len(self._names)
        if len(row) > width and not any(map(str.strip, row[width:])):
            return row[:width]
        missing = range(len(row), width)
        if missing and set(missing) <= set(self._unnamed):
            return row + [""] * len(missing)
        raise faults.ragged_row(self._file, self._dialect, self._header, line, last, row)

    def _check_quotation(self, line: int, last: int, row: Sequence[str]) -> None:
        check = self._check
        if last == line:
            check.learn(row)
            self._is_proven = self._is_proven or check.is_proof(row)
            self._is_settled = self._is_proven and check.has_learned
            return
        lines = last - line + 1
        if lines == 2 and self._is_proven:
            return  # two rows can look like one by accident
        swallowed = check.swallowed_rows(row, lines)
        if swallowed:
            self._is_proven = lines == 2 and self._file.has_row(self._dialect, check.is_proof)
            if not self._is_proven:
                raise faults.swallowed_rows(self._file.name, line, last, swallowed)


def _is_quoted(cell: str) -> bool:
    """Whether a cell is in quotation marks and all others in it are doubled, some at least."""
    inner = cell[1:-1]
    return cell[:1] == '"' == cell[-1:] and '""' in inner and '"' not in inner.replace('""', "")
