"""The errors of CSV and TSV files: what is wrong, in which line, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError
from sftdata.reading.files.encodings import convert_hint, describe_byte
from sftdata.reading.row_limit import too_long
from sftdata.reading.tables.dialects import Dialect

_BACKSLASHES = (
    'A quotation mark inside a cell is written \\" there; CSV doubles it: "". '
    "Write the file again with a CSV library."
)
_SHOWN = 20  # characters before a fault
_ESCAPED_BYTES = range(0xDC80, 0xDD00)  # stand for bytes 0x80 to 0xff in a text


class _File(Protocol):
    @property
    def name(self) -> str: ...
    def raw_lines(self, dialect: Dialect, first: int, last: int) -> list[str]: ...


def check_text(name: str, line: int, cell: str, what: str, line_end: str) -> None:
    """Raises `GoldenSetError` for a cell that cannot be UTF-8. `line`: where the cell starts."""
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(cell[error.start])
        before = cell[: error.start]
        line += before.count(line_end)
        before = escape(before[-_SHOWN:].rpartition(line_end)[2])
        place = f"in {escape(what)}, after '{before}'" if before else f"in {escape(what)}"
        if code not in _ESCAPED_BYTES:
            raise GoldenSetError(
                f"{name}:{line}: half a character (U+{code:04X}) {place}.", "Fix or remove it."
            ) from None
        raise GoldenSetError(
            f"{name}:{line}: {describe_byte(code - 0xDC00)} is not UTF-8, {place}.",
            convert_hint(name),
        ) from None


def broken_row(file: _File, dialect: Dialect, line: int, last: int, reason: str) -> GoldenSetError:
    """The error for a quotation mark or a line break out of place, which the reader refuses."""
    if "new-line" in reason:
        ends, other = ("LF", "CR") if dialect.line_end == "\n" else ("CR", "LF")
        return GoldenSetError(
            f"{file.name}:{last}: a line break ({other}) in a cell; the lines of the file end in "
            f"{ends}.",
            "Put cells with line breaks in quotation marks, or remove the line breaks.",
        )
    if "field larger" in reason:
        return too_long(f"{file.name}:{line}")
    if "unexpected end" in reason:
        return GoldenSetError(
            f"{file.name}:{line}: nothing closes the quotation mark that opens in this row.",
            'Close it; or, if quotation marks are text in this file, set quoting = "none".',
        )
    if _has_backslashes(file, dialect, line, last):
        return GoldenSetError(
            f"{file.name}:{last}: a quotation mark after a backslash ends the cell.", _BACKSLASHES
        )
    where = f"opens in line {line} and closes in line {last}," if last > line else "closes"
    return GoldenSetError(
        f"{file.name}:{line}: a quotation mark {where} before the end of its cell.",
        'Look for one that is not closed, or not doubled inside a cell ("").\n'
        'If quotation marks are text in this file, set quoting = "none".',
    )


def ragged_row(
    file: _File, dialect: Dialect, header: Sequence[str], line: int, last: int, row: Sequence[str]
) -> GoldenSetError:
    """The error for a row with more or fewer cells than the header."""
    name = file.name
    message = f"{name}:{line}: {len(row)} cells; the header has {len(header)}."
    if last > line:
        message = (
            f"{name}:{line}: the row up to line {last}, where its quotation mark closes, has "
            f"{len(row)} cells; the header has {len(header)}."
        )
    hint = "Put cells that hold the delimiter or a line break in quotation marks."
    if not dialect.is_quoted:
        hint = "A cell cannot hold a tab or a line break."
        if any(cell.startswith('"') or cell.endswith('"') for cell in row):
            hint = (
                "Quotation marks are text in this file. If they are meant to quote its cells, set "
                'quoting = "csv".'
            )
    elif _has_backslashes(file, dialect, line, last):
        hint = _BACKSLASHES
    elif any(cell.lstrip().startswith('"') and cell[0].isspace() for cell in row):
        hint = "Remove the space before the quotation mark: it makes the mark a part of the text."
    elif len(header) == 1:
        hint += f"\nIf '{escape(header[0])}' is a title and no column, remove that line."
    return GoldenSetError(message, hint)


def swallowed_rows(name: str, line: int, last: int, rows: int) -> GoldenSetError:
    """The error for a quotation mark that makes one row of several."""
    return GoldenSetError(
        f"{name}:{line}: the quotation mark that opens here closes in line {last}; "
        f"without it these lines are {rows} whole rows.",
        "Close it where the cell ends, or double it if it is text. In the spec, quoting = "
        '"none" takes all quotation marks of the files for text; quoting = "csv" takes this cell '
        "as it is.",
    )


def _has_backslashes(file: _File, dialect: Dialect, line: int, last: int) -> bool:
    return any('\\"' in text for text in file.raw_lines(dialect, line, last))
