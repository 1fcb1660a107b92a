"""Find quotation marks that swallow rows: a cell that is no cell but the end of a row and others.

A program that writes cells without quoting them leaves a quotation mark where a text has one. If a
cell starts with it, everything up to the next one at the end of a cell becomes part of the cell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*")
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
_FEWEST_ROWS = 3  # that tell what the cells of a column look like
_MOST_ROWS = 200


class QuotationCheck:
    """Looks at the rows of a table below a `header`, in order."""

    def __init__(self, delimiter: str, header: Sequence[str], line_end: str = "\n") -> None:
        self._delimiter, self._width, self._line_end = delimiter, len(header), line_end
        width = len(header)
        self._is_spaced = all(cell.startswith(" ") for cell in header[1:])
        self._seen = 0
        self._numbers, self._words = [True] * width, [True] * width

    @property
    def has_learned(self) -> bool:
        """Whether further examples change nothing."""
        return self._seen == _MOST_ROWS

    def learn(self, row: Sequence[str]) -> None:
        """Takes a row on a line of its own as an example."""
        if self._seen < _MOST_ROWS:
            self._seen += 1
            for at, cell in enumerate(row[: self._width]):
                self._numbers[at] &= _NUMBER.fullmatch(cell.strip()) is not None
                self._words[at] &= not any(map(str.isspace, cell.strip()))

    def is_proof(self, row: Sequence[str]) -> bool:
        """Whether a row on one line shows that the file's cells are quoted where they need it."""
        return any(self._delimiter in cell for cell in row)

    def swallowed_rows(self, row: Sequence[str], lines: int) -> int:
        """How many rows a row on so many lines would be without quotation marks; 0: it is one.

        Each of its lines must look like a row: as many cells as the header, none of them blank,
        brackets closed in the cell that opens them, and no space beside a delimiter (unless the
        header has one): a comma of prose is followed by a space.
        """
        text = self._delimiter.join(row)
        # A quotation mark inside the cell was doubled, as only a program that quotes does.
        if (
            self._width < 2
            or text.count(self._delimiter) != lines * (self._width - 1)
            or '"' in text
        ):
            return 0
        rows = [
            line.removesuffix("\r").split(self._delimiter) for line in text.split(self._line_end)
        ]
        return len(rows) if all(map(self._is_row, rows)) else 0

    def _is_row(self, cells: Sequence[str]) -> bool:
        return len(cells) == self._width and all(map(self._is_cell, range(self._width), cells))

    def _is_cell(self, column: int, cell: str) -> bool:
        if self._is_spaced:
            cell = cell.strip(" ")
        if not cell or cell != cell.strip():
            return False
        count = Counter(cell)
        if any(count[opens] != count[closes] for opens, closes in _BRACKETS):
            return False
        if self._seen < _FEWEST_ROWS:
            return True
        is_number = _NUMBER.fullmatch(cell) is not None
        is_word = not any(map(str.isspace, cell))
        return (is_number or not self._numbers[column]) and (is_word or not self._words[column])
