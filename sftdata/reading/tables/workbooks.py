"""Read a sheet of an Excel workbook: each cell as text, with the number of its row.

openpyxl streams the rows, so a large sheet is never in memory as a whole.
"""

from __future__ import annotations

import datetime
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flags, texts
from sftdata.base.escaping import escape
from sftdata.base.wording import list_names
from sftdata.errors import GoldenSetError, did_you_mean
from sftdata.reading.scalars import to_text
from sftdata.reading.tables.columnar import check_names
from sftdata.reading.tables.delimited import DelimitedRows

_BATCH_ROWS = 4096
_SCANNED_BYTES = 1024 * 1024
_LONGEST_TAG = 256
_SHOWN = 5
# Excel escapes control characters: a carriage return is `_x000D_`.
_CONTROL = re.compile(r"_x00([01][0-9A-F])_")
_FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]+[0-9]+:[A-Z]+[0-9]+)\"")

_Row = list[tuple[str, str]]  # the text of each cell, and its fault


def read_sheet(
    name: str, path: Path, sheet: str | None, wanted: Collection[str] | None
) -> Iterator[DelimitedRows]:
    """The rows of a sheet (None: the first) in order, with the `wanted` columns (None: all).

    The first row with a cell names the columns. A row without any cell has null in every column.
    Raises `GoldenSetError` for a damaged workbook, an unknown sheet, a cell outside the columns,
    and a wanted cell that holds an error or a formula that was never calculated.
    """
    try:
        with _open(path, data_only=True) as workbook:
            found = _find_sheet(name, workbook, sheet)
            has_formulas, merged = _scan(path, found)
            notes = _notes(name, workbook, found, merged, is_chosen=sheet is not None)
            rows = _rows(found)
            if has_formulas:
                with _open(path, data_only=False) as uncalculated:
                    formulas = _rows(_find_sheet(name, uncalculated, sheet))
                    yield from _read(name, _mark_uncalculated(rows, formulas), wanted, notes)
            else:
                yield from _read(name, rows, wanted, notes)
    except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, OSError, EOFError) as error:
        # The XML parser raises `SyntaxError`.
        raise GoldenSetError(
            f"{name}: cannot be read as an Excel workbook: {escape(str(error))}",
            "Open it in Excel or LibreOffice and save it again.",
        ) from error


@contextmanager
def _open(path: Path, *, data_only: bool) -> Iterator[Any]:
    import openpyxl

    # openpyxl warns of styles and cell validations that it ignores: they hold no text.
    warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
    with path.open("rb") as file:  # openpyxl refuses paths by their ending
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=data_only)
        yield workbook
        workbook.close()


def _find_sheet(name: str, workbook: Any, sheet: str | None) -> Any:
    sheets = {found.title: found for found in workbook.worksheets}
    if sheet is None and sheets:
        return next(iter(sheets.values()))
    if sheet not in sheets:
        raise GoldenSetError(
            f"{name}: the workbook has no sheet '{escape(sheet or '')}'.",
            did_you_mean(sheet or "", sheets),
            code="E201",
        )
    return sheets[sheet]


def _scan(path: Path, sheet: Any) -> tuple[bool, list[str]]:
    """Whether the sheet has formulas, and the ranges of its merged cells."""
    has_formulas = False
    merged: dict[str, None] = {}
    rest = b""
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(sheet._worksheet_path.lstrip("/")) as stream,
    ):
        while block := stream.read(_SCANNED_BYTES):
            block = rest + block
            has_formulas = has_formulas or _FORMULA.search(block) is not None
            merged |= dict.fromkeys(ref.decode() for ref in _MERGED.findall(block))
            rest = block[-_LONGEST_TAG:]
    return has_formulas, list(merged)


def _notes(
    name: str, workbook: Any, sheet: Any, merged: list[str], *, is_chosen: bool
) -> tuple[str, ...]:
    notes = []
    others = [found.title for found in workbook.worksheets if found.title != sheet.title]
    if others and not is_chosen:
        notes.append(
            f"Read from {name}: the sheet '{escape(sheet.title)}'. Not read: "
            f"{list_names(others, _SHOWN)}. To read one: --data '{name}#{escape(others[0])}'"
        )
    if merged:
        notes.append(
            f"{name} has merged cells ({list_names(merged, _SHOWN)}): the first cell of each "
            "holds the value, the others are empty. Unmerge and fill them where rows need it."
        )
    return tuple(notes)


def _rows(sheet: Any) -> Iterator[_Row]:
    # A sheet may claim more or fewer rows than it has.
    sheet.reset_dimensions()
    for cells in sheet.iter_rows():
        yield [_read_cell(cell) for cell in cells]


def _read_cell(cell: Any) -> tuple[str, str]:
    value = cell.value
    if value is None:
        return "", ""
    if cell.data_type == "e":
        return str(value), f"the error {value}"
    if isinstance(value, str):
        return _CONTROL.sub(lambda found: chr(int(found[1], 16)), value), ""
    if isinstance(value, datetime.datetime) and _is_date(cell.number_format):
        value = value.date()
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}", ""
    text = to_text(value)
    return ("", f"{type(value).__name__} {value}") if text is None else (text, "")


def _is_date(number_format: str) -> bool:
    """Whether the format shows a day without a time."""
    from openpyxl.styles.numbers import is_datetime

    return bool(is_datetime(number_format) == "date")


def _mark_uncalculated(rows: Iterator[_Row], formulas: Iterator[_Row]) -> Iterator[_Row]:
    """The rows, with a fault in each cell that has a formula and no value."""
    for row, written in zip(rows, formulas, strict=True):
        yield [
            (text, fault or ("a formula without a value" if formula and not text else ""))
            for (text, fault), (formula, _) in zip(row, written, strict=True)
        ]


def _read(
    name: str, rows: Iterator[_Row], wanted: Collection[str] | None, notes: tuple[str, ...]
) -> Iterator[DelimitedRows]:
    numbered = enumerate(rows, 1)
    first, header = next(((at, row) for at, row in numbered if _has_text(row)), (1, []))
    if not header:
        raise GoldenSetError(
            f"{name}: the sheet is empty.",
            "The first row of a table names its columns.",
            code="E207",
        )
    titles = [text.strip() for text, _ in header]
    while not titles[-1]:
        titles.pop()
    # pandas gives the same names to columns without a title.
    names = [title or f"Unnamed: {at}" for at, title in enumerate(titles)]
    check_names(f"{name}:{first}", [n for n in names if wanted is None or n in wanted])
    unnamed = {at for at, title in enumerate(titles) if not title}
    lines: list[int] = []
    batch: list[_Row] = []
    columns: tuple[str, ...] | None = None

    def finish() -> DelimitedRows:
        nonlocal columns, notes
        if columns is None:
            empty = {at for at in unnamed if not any(row[at][0] for row in batch)}
            columns = tuple(n for at, n in enumerate(names) if at not in empty)
        made = _batch(name, names, columns if wanted is None else wanted, lines, batch)
        said, notes = notes, ()
        return DelimitedRows(made, lines, columns, list(said))

    for at, row in numbered:
        _check_width(name, at, row, names, first)
        lines.append(at)
        batch.append(row[: len(names)] + [("", "")] * (len(names) - len(row)))
        if len(lines) == _BATCH_ROWS:
            yield finish()
            lines, batch = [], []
    if lines:
        yield finish()


def _has_text(row: _Row) -> bool:
    return any(text.strip() or fault for text, fault in row)


def _check_width(name: str, at: int, row: _Row, names: Sequence[str], header: int) -> None:
    for column, (text, _) in enumerate(row[len(names) :], len(names)):
        if text.strip():
            raise GoldenSetError(
                f"{name}:{at}: the cell {_place(at, column)} ('{escape(text[:40])}') stands under "
                f"no column name; row {header} names {len(names):,}: {list_names(names, _SHOWN)}.",
                "The first row must name the columns. Remove a title above them, or name the "
                "column.",
            )


def _batch(
    name: str, names: Sequence[str], wanted: Collection[str], lines: list[int], rows: list[_Row]
) -> pa.RecordBatch:
    blank = np.array([not _has_text(row) for row in rows], np.bool_)
    made = {}
    faults: dict[str, str] = {}
    for at, title in enumerate(names):
        if title not in wanted:
            continue
        cells = [row[at] for row in rows]
        faults |= {
            _place(line, at): fault for line, (_, fault) in zip(lines, cells, strict=True) if fault
        }
        column = texts([text for text, _ in cells])
        if blank.any():
            column = pc.if_else(flags(blank), pa.nulls(len(column), column.type), column)
        made[title] = column
    if faults:
        shown = list_names([f"{place} ({fault})" for place, fault in faults.items()], _SHOWN)
        raise GoldenSetError(
            f"{name}: no text can be read from {shown}.",
            "Mend the cells, or have Excel or LibreOffice calculate the formulas: open the file "
            "and save it.",
        )
    if made:
        return pa.RecordBatch.from_pydict(made)
    nothing = pa.StructArray.from_arrays([], [], mask=flags(np.zeros(len(lines), np.bool_)))
    return pa.RecordBatch.from_struct_array(nothing)


def _place(row: int, column: int) -> str:
    """The name of a cell: B7 for row 7, column 1 (from 0)."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"
