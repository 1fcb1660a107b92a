"""Seen ids: a set of hashes that tells which ones it has had before."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sftdata.reading.screening.seen_ids import SeenIds

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


@given(batches=st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=8)))
def test_a_row_that_is_not_kept_is_looked_up_alone(batches: list[list[tuple[int, bool]]]) -> None:
    seen, expected = SeenIds(), set[int]()
    for batch in batches:
        found = seen.add(hashes([(i, i) for i, _ in batch]), np.array([k for _, k in batch], bool))
        for (i, is_kept), repeated in zip(batch, found.tolist(), strict=True):
            assert repeated == (i in expected)
            expected |= {i} if is_kept else set()


@given(batches=BATCHES)
def test_hashes_in_files_are_the_same_set(batches: list[list[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        in_files, in_memory = SeenIds(Path(folder), piece=2), SeenIds()
        for batch in batches:
            own = hashes([(i * 0x9E3779B97F4A7C15 % 2**64, i) for i in batch])
            assert in_files.add(own).tolist() == in_memory.add(own).tolist()


def test_many_hashes_in_files_are_remembered(tmp_path) -> None:
    values = np.random.default_rng(0).integers(0, 2**64, (30_000, 2), np.uint64)
    seen = SeenIds(tmp_path, piece=512)
    for start in range(0, len(values), 500):
        assert not seen.add(values[start : start + 500]).any()
    assert seen.add(values[::7]).all()
    assert not seen.add(values[::7] + np.uint64(1)).any()


def test_no_file_has_a_name(tmp_path) -> None:
    seen = SeenIds(tmp_path, piece=1)
    assert not seen.add(hashes([(i, i) for i in range(100)])).any()
    assert not seen.add(hashes([(i, i) for i in range(100, 200)])).any()
    assert not list(tmp_path.iterdir())
