"""Seen ids: a set of hashes that tells which ones it has had before."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sftdata.duplicates import SeenIds

BATCHES = st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=12)


def hashes(pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array(pairs, np.uint64).reshape(-1, 2)


def test_a_hash_is_new_once() -> None:
    seen = SeenIds()
    assert seen.add(hashes([(1, 1), (2, 2), (1, 1)])).tolist() == [False, False, True]
    assert seen.add(hashes([(3, 3), (2, 2)])).tolist() == [False, True]
    assert seen.add(hashes([])).tolist() == []
    assert seen.add(hashes([(1, 1), (3, 3), (4, 4)])).tolist() == [True, True, False]


def test_hashes_that_share_half_are_different() -> None:
    seen = SeenIds()
    assert not seen.add(hashes([(1, 1), (1, 2), (2, 1)])).any()


def test_many_batches_are_remembered() -> None:
    values = np.random.default_rng(0).integers(0, 2**64, (30_000, 2), np.uint64)
    seen = SeenIds()
    for start in range(0, len(values), 100):
        assert not seen.add(values[start : start + 100]).any()
    assert seen.add(values[::7]).all()


@given(batches=BATCHES)
def test_a_plain_set_says_the_same(batches: list[list[int]]) -> None:
    seen, expected = SeenIds(), set[int]()
    for batch in batches:
        told = seen.add(hashes([(i * 0x9E3779B97F4A7C15 % 2**64, i) for i in batch])).tolist()
        for i, repeated in zip(batch, told, strict=True):
            assert repeated == (i in expected)
            expected.add(i)
