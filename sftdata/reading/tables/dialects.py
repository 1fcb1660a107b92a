"""Dialects of delimited text: what separates the cells, and whether quotation marks do quote."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError

# Whether quotation marks around a cell are no part of it. None: by the kind of the file.
Quoting = Literal["csv", "none"] | None

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SEPARATOR_LINE = re.compile(r'"?sep=(\t|[^\w\s"])"?(?:\r\n|\r|\n|$)')
_MOST_ROWS = 200  # that are compared
_ALIKE = 0.8  # share of the rows with as many cells as the header, if the header alone decides
_SEARCHED_ROWS = 10  # for a header below a title


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a file are written."""

    delimiter: str
    is_quoted: bool
    skipped: int = 0  # lines before the header
    line_end: str = "\n"  # a carriage return in files of old Macs
    note: str | None = None  # for the user: what was taken, where the name does not say it

    def reader(self, lines: Any, *, strict: bool = True) -> Any:
        """The standard library's reader of such lines."""
        quoting: Any = csv.QUOTE_MINIMAL if self.is_quoted else csv.QUOTE_NONE
        return csv.reader(lines, delimiter=self.delimiter, quoting=quoting, strict=strict)


def sniff_dialect(
    name: str,
    suffix: str,
    head: str,
    quoting: Quoting,
    *,
    is_utf16: bool = False,
    is_whole: bool = True,
) -> Dialect:
    """The dialect of a file that starts with `head`; `is_whole`: with nothing after it.

    Raises `GoldenSetError` where a title stands above the header, or no columns are in a `.txt`.
    """
    own = "," if suffix == ".csv" else "\t"
    line_end = "\r" if re.match(r"[^\r\n]*\r(?!\n)", head) else "\n"
    lines = re.findall(f"[^{line_end}]*{line_end}|[^{line_end}]+", head)

    def dialect(delimiter: str, skipped: int = 0, note: str | None = None) -> Dialect:
        is_quoted = quoting != "none"
        if quoting is None and delimiter == "\t" and suffix != ".csv":
            # TSV has no quotation, but Excel writes its "Unicode text" with it, in UTF-16.
            is_quoted = is_utf16 or _has_quoted_header(lines)
        return Dialect(delimiter, is_quoted, skipped, line_end, note)

    separator = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if separator is not None:
        return dialect(separator[1], skipped=1)
    tables = {own: _rows(dialect(own), lines, is_whole)}
    if _share_alike(tables[own]) < 1:
        tables |= {char: _rows(dialect(char), lines, is_whole) for char in _NAMES if char != own}
    found = _find_delimiter(tables, own)
    if found is None:
        for char, rows in tables.items():
            # With another delimiter all may be texts of one column that hold it.
            if char == own or (rows and len(rows[0]) > 1):
                _check_title(name, rows)
        if suffix == ".txt" and lines:
            raise GoldenSetError(
                f"{name}: a text file without columns: no tab, comma, semicolon or vertical bar "
                "separates the cells of its first line.",
                "Write the rows as JSON Lines or CSV, with the names of the fields.",
                code="E203",
            )
        return dialect(own)
    _check_title(name, tables[found])
    is_expected = found == own and suffix != ".txt"
    return dialect(
        found, note=None if is_expected else f"{name}: read as a table with {_NAMES[found]} "
        "between its cells."
    )  # fmt: skip


def _rows(dialect: Dialect, lines: Sequence[str], is_whole: bool) -> list[list[str]]:
    """The first rows, also blank ones; without the last where more lines may follow it."""
    rows: list[list[str]] = []
    with suppress(csv.Error):  # reading says where
        rows.extend(islice(dialect.reader(lines, strict=False), _MOST_ROWS))
    return rows if is_whole or len(rows) in (0, 1, _MOST_ROWS) else rows[:-1]


def _has_quoted_header(lines: Sequence[str]) -> bool:
    cells = lines[0].rstrip("\r\n").split("\t") if lines else []
    return any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)


def _find_delimiter(tables: dict[str, list[list[str]]], own: str) -> str | None:
    """The delimiter that gives each row as many cells as the header; at least two."""
    alike = {char: _share_alike(rows) for char, rows in tables.items()}
    widths = {char: len(rows[0]) if rows else 0 for char, rows in tables.items()}
    best = max(tables, key=lambda char: (alike[char], widths[char], char == own))
    if alike[best] == 1:
        return best
    # A row may be faulty: reading says which, if the delimiter is the right one.
    if widths[own] > 1:
        return own
    return best if alike[best] >= _ALIKE else None


def _share_alike(rows: Sequence[Sequence[str]]) -> float:
    """The share of the rows with as many cells as the header; 0 if that has less than two."""
    filled = [row for row in rows if row]
    width = len(_trim(filled[0])) if filled else 0
    if width < 2:
        return 0.0
    alike = sum(len(row) == len(filled[0]) or len(_trim(row)) == width for row in filled)
    return alike / len(filled)


def _trim(row: Sequence[str]) -> Sequence[str]:
    """The row without the empty cells at its end."""
    last = max((at for at, cell in enumerate(row, 1) if cell.strip()), default=0)
    return row[:last]


def _check_title(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Raises `GoldenSetError` if the first row looks like a title above the header.

    It has one cell, and a row without cells follows it or it has at least three columns.
    """
    if not rows or len(_trim(rows[0])) != 1:
        return
    if not (len(rows[0]) > 2 or (len(rows) > 1 and not _trim(rows[1]))):
        return
    for at in range(1, min(len(rows), _SEARCHED_ROWS)):
        header = _trim(rows[at])
        if len(header) < 2 or not all(map(str.strip, header)):
            continue
        if all(len(row) == len(rows[at]) for row in rows[at:] if row):
            raise GoldenSetError(
                f"{name}:1: '{escape(rows[0][0])}' is a title, not the names of columns. They seem "
                f"to be: {', '.join(escape(cell.strip()) for cell in header)}.",
                "Remove the lines above the names of the columns.",
                code="E203",
            )
        return
