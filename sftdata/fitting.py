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

    Rows of one length are placed together, so the work depends on the lengths there are and not on
    the number of rows.
    """
    size = len(counts) - 1
    free = np.zeros(size + 1, np.int64)  # how many packs have room for n more tokens
    packs = 0
    for length in range(size, 0, -1):
        left = int(counts[length])
        for room in np.flatnonzero(free[length:]) + length:
            if not left:
                break
            left -= _place(free, int(room), length, left, int(free[room]))
        if left:
            each = size // length
            new = -(-left // each)
            packs += new
            free[size] += new
            _place(free, size, length, left, new)
    return packs


def _place(free: npt.NDArray[np.int64], room: int, length: int, rows: int, packs: int) -> int:
    """Puts rows into packs with `room`, each filled before the next; how many it took."""
    each = room // length
    full = min(packs, rows // each)
    free[room] -= full
    free[room - each * length] += full
    placed = full * each
    rest = min(rows - placed, each) if full < packs else 0
    if rest:
        free[room] -= 1
        free[room - rest * length] += 1
    return placed + rest


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
