"""Find the brackets of JSON text that stand outside strings, one block of bytes after another.

Only positions of quotation marks, brackets and line ends are looked at, so text costs little: a
block is scanned at some hundred megabytes a second, and never parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

QUOTE, BACKSLASH = ord('"'), ord("\\")
COMMA, COLON = ord(","), ord(":")
OPEN_LIST, OPEN_OBJECT = ord("["), ord("{")
_LINE_FEED, _RETURN = 0x0A, 0x0D

_STEPS = np.zeros(256, np.int8)  # how a byte changes the depth
_STEPS[[OPEN_LIST, OPEN_OBJECT]] = 1
_STEPS[[ord("]"), ord("}")]] = -1
_IS_LINE_END = np.zeros(256, np.bool_)
_IS_LINE_END[[_LINE_FEED, _RETURN]] = True
_LOOKED_AT = (_STEPS != 0) | _IS_LINE_END
_LOOKED_AT[QUOTE] = True
_ALL_LOOKED_AT = _LOOKED_AT.copy()
_ALL_LOOKED_AT[[COMMA, COLON]] = True


@dataclass(frozen=True, slots=True)
class Tokens:
    """What stands outside strings in a block, in order; the quotation marks of strings too."""

    at: npt.NDArray[np.int64]  # in the block
    byte: npt.NDArray[np.uint8]
    step: npt.NDArray[np.int8]  # 1 where a bracket opens, -1 where one closes
    depth: npt.NDArray[np.int64]  # behind the token
    line_ends: npt.NDArray[np.int64]  # in the block; `\r\n` is one
    broken_string: int | None  # the first line end inside a string, which JSON doesn't allow


class Scanner:
    """Scans blocks that follow each other; no block is empty.

    `commas`: whether commas and colons are tokens too.
    """

    def __init__(self, *, commas: bool = False) -> None:
        self._looked_at = _ALL_LOOKED_AT if commas else _LOOKED_AT
        self._in_string = False
        self._is_escaped = False  # whether the last block ended in an open escape
        self._after_return = False  # whether the last block ended in `\r`
        self.depth = 0  # behind the last block
        self.lines_before = 0  # line ends in all blocks so far

    def scan(self, data: npt.NDArray[np.uint8]) -> Tokens:
        """The tokens of the next block."""
        at = np.flatnonzero(self._looked_at[data])
        byte = data[at]
        is_quote = byte == QUOTE
        is_quote[is_quote] = ~self._escaped(data, at[is_quote])
        in_string = (np.cumsum(is_quote) + self._in_string) % 2 == 1
        is_line_end = _IS_LINE_END[byte]
        broken = at[is_line_end & in_string]
        line_ends = at[is_line_end & ~_is_first_of_two(data, at)]
        keep = is_quote | ~(in_string | is_line_end | (byte == QUOTE))
        if len(at):
            self._in_string = bool(in_string[-1])
        at, byte = at[keep], byte[keep]
        step = _STEPS[byte]
        depth = self.depth + np.cumsum(step, dtype=np.int64)
        if len(depth):
            self.depth = int(depth[-1])
        self.lines_before += len(line_ends) - (self._after_return and data[0] == _LINE_FEED)
        self._after_return = data[-1] == _RETURN
        return Tokens(at, byte, step, depth, line_ends, int(broken[0]) if len(broken) else None)

    def _escaped(self, data: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64]) -> Any:
        """bool[quotes]: whether a backslash that is not itself escaped stands before the quote."""
        was_escaped = self._is_escaped
        self._is_escaped = False
        slashes = np.flatnonzero(data == BACKSLASH)
        if not len(slashes):
            return (quotes == 0) & was_escaped
        # Of the backslashes in a row, every second one escapes what follows.
        order = np.arange(len(slashes))
        starts = np.concatenate(([True], np.diff(slashes) > 1))
        length = order - np.maximum.accumulate(np.where(starts, order, 0)) + 1
        if was_escaped and slashes[0] == 0:
            length[np.cumsum(starts) == 1] += 1
        escapes = length % 2 == 1
        self._is_escaped = bool(slashes[-1] == len(data) - 1 and escapes[-1])
        before = np.searchsorted(slashes, quotes) - 1
        follows = (before >= 0) & (slashes[before] == quotes - 1)
        return (follows & escapes[before]) | ((quotes == 0) & was_escaped)


def _is_first_of_two(data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> Any:
    """bool[at]: whether the byte is the `\\r` of a `\\r\\n`."""
    after = np.minimum(at + 1, len(data) - 1)
    return (data[at] == _RETURN) & (data[after] == _LINE_FEED)
