"""Best-fit-decreasing bin packing: the longest rows first, each into the fullest pack with room.

Rows of one length go into packs of one room together, so the work grows with the number of
different lengths, and neither with the number of rows nor with the size of a pack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Placement:
    """`rows` rows of `length` tokens, put into `packs` packs that had `room` tokens left each.

    Each pack takes as many rows as fit before the next one takes any.
    """

    length: int
    rows: int
    room: int
    packs: int
    are_new: bool  # whether these packs are opened here

    @property
    def fits(self) -> int:
        """Rows that fit into one of these packs."""
        return self.room // self.length

    @property
    def rooms_after(self) -> list[tuple[int, int]]:
        """(packs, room left in each) for the packs in their order: full, partly full, untouched."""
        full, rest = divmod(self.rows, self.fits)
        partly = min(rest, 1)
        return [
            (full, self.room - self.fits * self.length),
            (partly, self.room - rest * self.length),
            (self.packs - full - partly, self.room),
        ]


def best_fit_decreasing(counts: npt.NDArray[np.integer]) -> Iterator[Placement]:
    """All rows in packs of `len(counts) - 1` tokens, where `counts[n]` rows have n tokens.

    Placements come in the order of length, longest first. Rows without tokens need no pack.
    """
    size = len(counts) - 1
    packs_with = [0] * (size + 1)  # open packs by the room they have left
    has_packs = bytearray(size + 1)  # 1 where `packs_with` is not 0, to search fast
    for length in (np.flatnonzero(counts[1:]) + 1)[::-1].tolist():
        left = int(counts[length])
        while left:
            room = has_packs.find(1, length)
            are_new = room < 0
            if are_new:
                room = size
                packs = -(-left // (size // length))
            else:
                packs = packs_with[room]
            placement = Placement(length, min(left, packs * (room // length)), room, packs, are_new)
            packs_with[room] = has_packs[room] = 0
            for number, room_left in placement.rooms_after:
                packs_with[room_left] += number
                has_packs[room_left] = packs_with[room_left] > 0
            left -= placement.rows
            yield placement


def count_packs(counts: npt.NDArray[np.integer]) -> int:
    """Packs of `len(counts) - 1` tokens that are needed when `counts[n]` rows have n tokens."""
    return sum(placement.packs for placement in best_fit_decreasing(counts) if placement.are_new)


def assign_packs(lengths: npt.NDArray[np.integer], size: int) -> npt.NDArray[np.int64]:
    """int64[rows]: the pack of each row. `lengths` must be in descending order."""
    pack_of = np.zeros(len(lengths), np.int64)
    packs_with = defaultdict[int, list[npt.NDArray[np.int64]]](list)  # open packs by room left
    rows_done = packs_opened = 0
    for placement in best_fit_decreasing(np.bincount(lengths, minlength=size + 1)):
        if placement.are_new:
            packs = np.arange(packs_opened, packs_opened + placement.packs)
            packs_opened += placement.packs
        else:
            packs = np.concatenate(packs_with.pop(placement.room))
        rows = slice(rows_done, rows_done + placement.rows)
        pack_of[rows] = np.repeat(packs, placement.fits)[: placement.rows]
        rows_done = rows.stop
        first = 0
        for number, room_left in placement.rooms_after:
            if number:
                packs_with[room_left].append(packs[first : first + number])
            first += number
    return pack_of
