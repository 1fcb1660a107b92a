"""Padding: how much of a batch it takes when rows are padded, packed, or padded batch by batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.loading.bin_packing import count_packs


@dataclass(frozen=True, slots=True)
class PaddingFigures:
    """The cost of giving each row `max_length` positions, or of packing rows into as many."""

    max_length: int
    rows: int
    too_long: int  # rows of more than `max_length` tokens, counted as cut to that length
    padding_waste: float  # share of the positions that are padding, one row to a sequence
    packs: int
    packing_efficiency: float  # share of the packs' positions that hold a token


def measure_padding(lengths: npt.NDArray[np.int32], max_length: int) -> PaddingFigures:
    """The figures for rows of these lengths, int32[rows] in tokens."""
    counts = np.bincount(np.minimum(lengths, max_length), minlength=max_length + 1)
    tokens = int(counts @ np.arange(max_length + 1))
    positions = len(lengths) * max_length
    packs = count_packs(counts)
    return PaddingFigures(
        max_length=max_length,
        rows=len(lengths),
        too_long=int((lengths > max_length).sum()),
        padding_waste=_share(positions - tokens, positions),
        packs=packs,
        packing_efficiency=_share(tokens, packs * max_length),
    )


def measure_batch_padding(lengths: npt.NDArray[np.int32], batch_size: int) -> float:
    """Share of padding when rows, in their order, are padded to the longest of their batch."""
    if not len(lengths):
        return 0.0
    starts = np.arange(0, len(lengths), batch_size)
    rows_in_batch = np.diff(np.append(starts, len(lengths)))
    longest = np.maximum.reduceat(lengths, starts).astype(np.int64)
    positions = int((longest * rows_in_batch).sum())
    return _share(positions - int(lengths.sum(dtype=np.int64)), positions)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
