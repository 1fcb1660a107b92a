"""Bin packing: placing rows in groups gives the packs that placing them one by one gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sftdata.loading.bin_packing import assign_packs, best_fit_decreasing, count_packs


def pack_one_by_one(lengths: list[int], size: int) -> int:
    """Packs of the textbook's loop over rows."""
    rooms: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [room for room in rooms if room >= length]
        if fitting:
            rooms.remove(min(fitting))
            rooms.append(min(fitting) - length)
        else:
            rooms.append(size - length)
    return len(rooms)


def test_rows_of_one_length_are_placed_together() -> None:
    #                  tokens: 0  1  2  3  4  5  6  7  8  9  10
    placed = list(best_fit_decreasing(np.array([0, 0, 2, 1, 0, 1, 0, 0, 1, 0, 1])))
    assert [(p.rows, p.length, p.room, p.packs) for p in placed] == [
        (1, 10, 10, 1),
        (1, 8, 10, 1),
        (1, 5, 10, 1),
        (1, 3, 5, 1),
        (2, 2, 2, 2),
    ]
    assert [p.are_new for p in placed] == [True, True, True, False, False]


def test_the_fullest_pack_with_room_takes_the_next_row() -> None:
    #                                            8 opens 0; 7 opens 1; 3 goes to 1; 2 to 0
    assert assign_packs(np.array([8, 7, 3, 2]), 10).tolist() == [0, 1, 1, 0]


@given(st.lists(st.integers(1, 30), max_size=80))
def test_as_many_packs_as_one_row_at_a_time(lengths: list[int]) -> None:
    expected = pack_one_by_one(lengths, 30)
    assert count_packs(np.bincount(np.array(lengths, np.int64), minlength=31)) == expected
    pack_of = assign_packs(np.sort(np.array(lengths, np.int64))[::-1], 30)
    assert len(set(pack_of.tolist())) == expected


def test_the_work_grows_with_the_lengths_that_occur_and_not_with_the_rows() -> None:
    lengths = np.minimum(np.random.default_rng(0).lognormal(5.5, 0.9, 1_000_000), 4096).astype(int)
    placements = list(best_fit_decreasing(np.bincount(lengths, minlength=4097)))
    assert sum(p.rows for p in placements) == (lengths > 0).sum()
    assert len(placements) < 3 * len(np.unique(lengths))


def test_the_work_does_not_grow_with_the_size_of_a_pack() -> None:
    counts = np.bincount([90_000, 70_000, 3], minlength=1_000_001)
    assert [p.rows for p in best_fit_decreasing(counts)] == [1, 1, 1]
    assert count_packs(counts) == 1
