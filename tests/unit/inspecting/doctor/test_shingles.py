"""Shingles: similarities are exact, and the index finds the rows that are alike."""

from __future__ import annotations

import numpy as np
import pytest

from sftdata.inspecting.doctor.shingles import BandIndex, ShingledRows, find_similarities


def shingled(*rows: list[int]) -> ShingledRows:
    hashes = np.array([value for row in rows for value in row], np.uint64)
    offsets = np.cumsum([0, *map(len, rows)])
    return ShingledRows(10 * np.arange(len(rows)), hashes * np.uint64(0x9E3779B97F4A7C15), offsets)


def test_a_similarity_is_the_share_of_distinct_shingles_in_common() -> None:
    a = shingled([1, 2, 3, 3], [4, 5], [6])
    b = shingled([3, 2, 7], [4, 5, 5], [9])
    pairs = np.array([0, 1, 2, 0]), np.array([0, 1, 2, 1])
    assert find_similarities(a, pairs[0], b, pairs[1]).tolist() == [0.5, 1.0, 0.0, 0.0]


def test_rows_alike_are_looked_up_and_others_are_not() -> None:
    row = list(range(100, 140))
    index = BandIndex(shingled(list(range(500, 540)), [*row[:-1], 999], list(range(40))))
    every = np.ones(3, np.bool_)
    asked = shingled(list(range(700, 740)), row)
    (found,) = index.look_up(asked, every)
    assert [places.tolist() for places in found] == [[1], [1]]
    assert list(index.look_up(asked, ~every)) == []


def test_of_many_rows_with_the_same_shingles_the_first_few_are_compared() -> None:
    row = list(range(100, 140))
    index = BandIndex(shingled(*[row] * 20))
    (found,) = index.look_up(shingled(row), np.ones(20, np.bool_))
    assert found[1].tolist() == list(range(8))


@pytest.mark.parametrize("rows", [[], [list(range(9))]])
def test_no_row_is_like_none(rows: list[list[int]]) -> None:
    index = BandIndex(shingled())
    assert list(index.look_up(shingled(*rows), np.ones(0, np.bool_))) == []
