"""Splits: near their shares, and a function of the row's own id and the seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from sftdata.base.hashing import hash_texts
from sftdata.reading.splits import assign_splits

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
IDS = [f"row-{i}".encode() for i in range(20_000)]
HASHES = hash_texts(IDS)


def test_every_split_gets_about_its_share() -> None:
    counts = np.bincount(assign_splits(HASHES, SHARES, 0), minlength=3) / len(IDS)
    assert counts == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_shares_are_relative_to_their_sum() -> None:
    parts = assign_splits(HASHES, {"train": 8, "validation": 1, "test": 1}, 0)
    assert (parts == assign_splits(HASHES, SHARES, 0)).all()


def test_a_split_with_no_share_gets_no_row() -> None:
    splits = assign_splits(HASHES, {"none": 0.0, "train": 1.0, "empty": 0.0}, 0)
    assert set(splits.tolist()) == {1}


def test_order_neighbours_and_added_rows_change_nothing() -> None:
    splits = assign_splits(HASHES, SHARES, 0)
    order = np.random.default_rng(0).permutation(len(IDS))
    assert (assign_splits(HASHES[order], SHARES, 0) == splits[order]).all()
    assert (assign_splits(HASHES[5::7], SHARES, 0) == splits[5::7]).all()
    more = np.concatenate((hash_texts([b"new"]), HASHES))
    assert (assign_splits(more, SHARES, 0)[1:] == splits).all()


def test_another_seed_gives_other_splits_of_the_same_sizes() -> None:
    first, second = assign_splits(HASHES, SHARES, 0), assign_splits(HASHES, SHARES, 1)
    assert 0.3 < (first != second).mean() < 0.4  # 1 - (0.8² + 0.1² + 0.1²) = 0.34
    assert np.bincount(second) / len(IDS) == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_growing_one_split_at_the_cost_of_the_next_moves_no_other_row() -> None:
    before = assign_splits(HASHES, {"train": 0.8, "validation": 0.1, "test": 0.1}, 0)
    after = assign_splits(HASHES, {"train": 0.85, "validation": 0.05, "test": 0.1}, 0)
    assert set(zip(before.tolist(), after.tolist(), strict=True)) == {
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 2),
    }
