"""Hashes: the same for a text however it is stored, and choices in proportion to the weights."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sftdata.base.arrow import texts
from sftdata.base.hashing import (
    choose_by_hash,
    hash_column,
    hash_rows,
    hash_texts,
    hash_token_rows,
    mix_bits,
)

HASHES = hash_texts([str(i).encode() for i in range(20_000)])


def test_a_hash_is_the_xxh3_digest_of_the_text() -> None:
    # The published digest of no bytes, as two halves of 64 bits.
    assert hash_texts([b""]).tolist() == [[0x99AA06D3014798D8, 0x6001C324468D497F]]
    assert hash_texts([]).shape == (0, 2)


def test_a_column_is_hashed_like_its_texts_also_in_a_slice() -> None:
    values = ["", "a", "é", "日本"]
    expected = hash_texts([value.encode() for value in values])
    assert (hash_column(texts(values)) == expected).all()
    assert (hash_column(texts(values)[2:]) == expected[2:]).all()


def test_a_row_of_hashes_is_hashed_by_its_values_and_their_order() -> None:
    rows = hash_rows(np.array([[1, 2], [2, 1], [1, 2]], np.uint64))
    assert (rows[0] == rows[2]).all()
    assert (rows[0] != rows[1]).any()


def test_tokens_of_a_row_are_hashed_wherever_they_stand() -> None:
    ids = np.array([5, 6, 7, 5, 6, 8], np.int32)
    starts, ends = np.array([0, 3, 1, 2]), np.array([2, 5, 1, 2])
    first, same, empty, also_empty = hash_token_rows(ids, starts, ends).tolist()
    assert first == same != empty == also_empty


def test_each_index_is_chosen_in_proportion_to_its_weight() -> None:
    counts = np.bincount(choose_by_hash(HASHES, [3, 0, 1], "salt"), minlength=3) / len(HASHES)
    assert counts == pytest.approx([0.75, 0.0, 0.25], abs=0.01)


def test_another_salt_chooses_independently() -> None:
    first, second = (choose_by_hash(HASHES, [1, 1], salt) for salt in ("a", "b"))
    assert (first == second).mean() == pytest.approx(0.5, abs=0.02)
    assert (first == choose_by_hash(HASHES, [1, 1], "a")).all()


def test_one_input_bit_changes_about_half_of_the_output_bits() -> None:
    values = HASHES[:500, 0]
    for bit in (0, 31, 63):
        changed = mix_bits(values) ^ mix_bits(values ^ np.uint64(1 << bit))
        ones = np.mean([int(value).bit_count() for value in changed])
        assert ones == pytest.approx(32, abs=1)


def test_no_column_and_no_row_is_no_hash() -> None:
    assert hash_column(pa.array([], pa.large_string())).shape == (0, 2)
