"""How rows fill a fixed length: the padding they need, and how densely they can be packed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Fit:
    """Rows of a split, each padded to `max_length` or several packed into it."""

    max_length: int
    rows: int
    too_long: int  # rows of more than `max_length` tokens, counted as cut to that length
    padding_waste: float  # share of the padded tokens that are padding
    packs: int
    packing_efficiency: float  # share of the packed tokens that are not padding


def fit_rows(lengths: npt.NDArray[np.int32], max_length: int) -> Fit:
    """How rows of these lengths, int32[rows] in tokens, fit into `max_length` tokens."""
    counts = np.bincount(np.minimum(lengths, max_length), minlength=max_length + 1)
    tokens = int(counts @ np.arange(max_length + 1))
    packs = _count_packs(counts)
    return Fit(
        max_length=max_length,
        rows=len(lengths),
        too_long=int((lengths > max_length).sum()),
        padding_waste=_share(len(lengths) * max_length - tokens, len(lengths) * max_length),
        packs=packs,
        packing_efficiency=_share(tokens, packs * max_length),
    )


def batch_padding(lengths: npt.NDArray[np.int32], batch_size: int) -> float:
    """Share of padding when rows, in their order, are padded to the longest of their batch."""
    if not len(lengths):
        return 0.0
    starts = np.arange(0, len(lengths), batch_size)
    sizes = np.diff(np.append(starts, len(lengths)))
    padded = int((np.maximum.reduceat(lengths, starts).astype(np.int64) * sizes).sum())
    return _share(padded - int(lengths.sum(dtype=np.int64)), padded)


def _count_packs(counts: npt.NDArray[Any]) -> int:
    """Packs that best-fit decreasing makes; `counts[n]` rows have n tokens.

    Rows of one length are placed together, so the work depends on the lengths that occur, and
    neither on the number of rows nor on how long a pack may be.
    """
    size = len(counts) - 1
    free = _Free(size)
    packs = 0
    for length in np.flatnonzero(counts)[::-1].tolist():
        left = int(counts[length]) if length else 0
        room = free.next(length)
        while left and room >= 0:
            left -= free.place(room, length, left, free.packs[room])
            room = free.next(room + 1)
        if left:
            new = -(-left // (size // length))
            packs += new
            free.add(size, new)
            free.place(size, length, left, new)
    return packs


class _Free:
    """How many packs have room for n more tokens."""

    def __init__(self, size: int) -> None:
        self.packs = [0] * (size + 1)
        self._is_there = bytearray(size + 1)

    def next(self, room: int) -> int:
        """The least room from `room` on that some pack has; -1 where there is none."""
        return self._is_there.find(1, room)

    def add(self, room: int, packs: int) -> None:
        """Notes that so many packs more (or fewer) have this room."""
        self.packs[room] += packs
        self._is_there[room] = self.packs[room] > 0

    def place(self, room: int, length: int, rows: int, packs: int) -> int:
        """Puts rows into packs with `room`, each filled before the next; how many it took."""
        each = room // length
        full = min(packs, rows // each)
        self.add(room, -full)
        self.add(room - each * length, full)
        placed = full * each
        rest = min(rows - placed, each) if full < packs else 0
        if rest:
            self.add(room, -1)
            self.add(room - rest * length, 1)
        return placed + rest


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
