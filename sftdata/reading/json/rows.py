"""Turn JSON that is not one row a line into lines: one row each, its text unchanged.

Only line ends between the tokens of a row become spaces. So everything behind reading knows one
format, and memory stays within a block, or one row where that is longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.base.escaping import escape
from sftdata.base.sizes import MAX_ROW_BYTES
from sftdata.errors import GoldenSetError
from sftdata.reading.json.scanner import Scanner, Tokens
from sftdata.reading.row_limit import too_long

_BLOCK_BYTES = 1024 * 1024  # fits into a processor's cache
_SPACE = ord(" ")
_BLANKS = b" \t\r\n"
_COMMENTS = (b"//", b"/*", b"#")
_LONGEST_GAP = 1000  # bytes between two rows, blanks aside; more cannot be right
_SHOWN = 40  # characters of the faulty text


def rows_of_values(name: str, stream: Any, start: int = 0) -> Iterator[bytes]:
    """The JSON objects that stand one after another from byte `start`, as lines.

    Raises `GoldenSetError` with row and line where something else stands between them.
    """
    return _RowCutter(name, stream, start, in_list=False).lines()


def rows_of_list(
    name: str, stream: Any, start: int = 0, *, ends_file: bool = True
) -> Iterator[bytes]:
    """The rows of the JSON list that begins at byte `start`, as lines.

    `ends_file`: whether nothing may follow the list.
    Raises `GoldenSetError` with row and line where the list is cut or holds other values.
    """
    return _RowCutter(name, stream, start, in_list=True, ends_file=ends_file).lines()


class _RowCutter:
    def __init__(
        self, name: str, stream: Any, start: int, *, in_list: bool, ends_file: bool = True
    ) -> None:
        self._name, self._stream, self._start = name, stream, start
        self._in_list, self._ends_file = in_list, ends_file
        self._scanner = Scanner()
        self._rows = 0  # that have begun
        self._open: list[bytes] = []  # parts of a row that has not ended
        self._open_line = 0  # where that row begins
        self._open_bytes = 0  # that it has, after the first part
        self._gap = b""  # the text after the last row, without blanks
        self._list_is_closed = False

    def lines(self) -> Iterator[bytes]:
        """Some lines at a time."""
        self._scanner.lines_before = _skip(self._stream, self._start)
        block = bytearray(_BLOCK_BYTES)
        while not self._list_is_closed and (size := self._stream.readinto(block)):
            rows = self._cut(np.frombuffer(block, np.uint8, size))
            if rows:
                yield b"\n".join([*rows, b""])
        while (
            self._list_is_closed and self._ends_file and (more := self._stream.read(_BLOCK_BYTES))
        ):
            self._check_rest(more)
        self._check_end()

    def _cut(self, data: npt.NDArray[np.uint8]) -> list[bytes]:
        """The rows that end in the block."""
        lines_before = self._scanner.lines_before
        tokens = self._scanner.scan(data)
        if tokens.broken_string is not None:
            raise GoldenSetError(
                f"{self._name}: line {_line(tokens, tokens.broken_string, lines_before)}: "
                "a line break stands inside a text.",
                r"JSON writes it as \n. Perhaps a quotation mark is missing in this line.",
            )
        data[tokens.line_ends] = _SPACE
        text = data.tobytes()
        between = int(self._in_list)  # the depth between two rows
        opens = (tokens.step == 1) & (tokens.depth == between + 1)
        closes = (tokens.step == -1) & (tokens.depth == between)
        edges = tokens.at[opens | closes].tolist()
        end = len(text)
        if self._in_list and (closed := tokens.at[(tokens.step == -1) & (tokens.depth == 0)]).size:
            self._list_is_closed, end = True, int(closed[0]) + 1
            edges = [edge for edge in edges if edge < end]
            if self._ends_file:
                self._check_rest(text[end:])
        rows = []
        position = 0
        if self._open and edges:
            position = edges.pop(0) + 1
            rows.append(b"".join([*self._open, text[:position]]))
            self._open = []
        elif self._open:
            self._open.append(text)
            self._open_bytes += len(text)
            if self._open_bytes > MAX_ROW_BYTES:
                place = f"row {self._rows}, which begins on line {self._open_line}"
                raise too_long(f"{self._name}: {place}")
            return rows
        starts, ends = edges[::2], edges[1::2]
        for start, last in zip_longest(starts, ends):
            gap = self._gap + text[position:start].strip(_BLANKS)
            if gap != (self._separator if self._rows else self._before_first):
                raise self._fault_between(gap, _line(tokens, position, lines_before))
            self._rows += 1
            self._gap = b""
            if last is None:
                self._open, self._open_line = [text[start:]], _line(tokens, start, lines_before)
                self._open_bytes = 0
                return rows
            position = last + 1
            rows.append(text[start:position])
        self._gap += text[position:end].strip(_BLANKS)
        if len(self._gap) > _LONGEST_GAP:
            raise self._fault_between(self._gap, _line(tokens, position, lines_before))
        return rows

    def _check_rest(self, rest: bytes) -> None:
        """Checks that nothing follows the list."""
        if rest := rest.strip(_BLANKS):
            shown = _shown(rest)
            raise GoldenSetError(
                f"{self._name}: {shown} follows the end of the JSON array.",
                "A file holds one array, or objects one after another.",
            )

    @property
    def _before_first(self) -> bytes:
        return b"[" if self._in_list else b""

    @property
    def _separator(self) -> bytes:
        return b"," if self._in_list else b""

    def _check_end(self) -> None:
        line = self._scanner.lines_before + 1
        if self._open:
            raise GoldenSetError(
                f"{self._name}: row {self._rows}, which begins on line {self._open_line}, is not "
                "closed: the file ends inside it.",
                "The file was cut off, or a bracket or quotation mark is missing: copy it again.",
            )
        if self._list_is_closed:
            if b"".join(self._gap.split()) != (b"]" if self._rows else b"[]"):
                raise self._fault_between(self._gap, line)
        elif self._in_list:
            raise GoldenSetError(
                f"{self._name}: the JSON array is cut: the file ends after row {self._rows} (line "
                f"{line}) without ].",
                "Copy or download the file again. If all rows are there, write ] at its end.",
            )
        elif self._gap:
            raise self._fault_between(self._gap, line)

    def _fault_between(self, gap: bytes, line: int) -> GoldenSetError:
        """The error for what stands before a row, or after the last one."""
        after = f"after row {self._rows}" if self._rows else "before the first row"
        place = f"{self._name}: line {line}: {after}"
        rest = gap.removeprefix(b"," if self._rows else b"[").strip(_BLANKS)
        if b"".join(gap.split()) == (b",]" if self._in_list else b","):
            return GoldenSetError(
                f"{place} stands a comma.",
                "A JSON array has commas only between its rows: remove the last one."
                if self._in_list
                else "Objects one after another have nothing between them: remove the commas, or "
                "write [ before the first row and ] after the last.",
            )
        if rest.startswith(_COMMENTS):
            return GoldenSetError(
                f"{place} stands a comment: {_shown(rest)}.", "JSON has no comments: remove it."
            )
        if not rest:
            return GoldenSetError(f"{place} a comma is missing.", "Write one between two rows.")
        return GoldenSetError(
            f"{place} stands {_shown(rest)}, where a row is expected.",
            'Every row is an object: {"field": "text", …}.',
        )


def _shown(text: bytes) -> str:
    shown = text[: 4 * _SHOWN].decode("utf-8", "replace")
    return f"'{escape(shown[:_SHOWN])}{'…' if len(shown) > _SHOWN else ''}'"


def _skip(stream: Any, size: int) -> int:
    """Reads `size` bytes; the number of line ends in them."""
    line_ends = 0
    while size and (block := stream.read(min(size, _BLOCK_BYTES))):
        line_ends += block.count(b"\n")
        size -= len(block)
    return line_ends


def _line(tokens: Tokens, at: int, lines_before: int) -> int:
    return lines_before + int(np.searchsorted(tokens.line_ends, at)) + 1
