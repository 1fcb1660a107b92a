"""Padding: its shares are those counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.loading.padding import measure_batch_padding, measure_padding

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=60)


def test_rows_padded_to_a_length_or_packed_into_it() -> None:
    figures = measure_padding(np.array([3, 5, 2, 12], np.int32), max_length=10)
    # padded: xxx.......  xxxxx.....  xx........  xxxxxxxxxx     20 of 40 positions hold a token
    # packed: xxxxxxxxxx  xxxxxxxxxx                             20 of 20
    assert (figures.rows, figures.too_long) == (4, 1)
    assert figures.padding_waste == 0.5
    assert (figures.packs, figures.packing_efficiency) == (2, 1.0)


def test_batches_padded_to_their_longest_row() -> None:
    # xxx..   xxx      2 of 13 positions are padding
    # xxxxx
    assert measure_batch_padding(np.array([3, 5, 3], np.int32), batch_size=2) == round(2 / 13, 6)


@given(LENGTHS, st.integers(5, 50))
def test_the_shares_are_those_of_the_rows(values: list[int], size: int) -> None:
    figures = measure_padding(np.array(values, np.int32), size)
    tokens = sum(min(v, size) for v in values)
    assert figures.packing_efficiency == round(tokens / (figures.packs * size), 6)
    assert figures.padding_waste == round(1 - tokens / (len(values) * size), 6)
    assert figures.too_long == sum(v > size for v in values)


@given(LENGTHS, st.integers(1, 9))
def test_each_batch_is_padded_to_its_longest_row(values: list[int], size: int) -> None:
    batches = [values[i : i + size] for i in range(0, len(values), size)]
    padded = sum(len(b) * max(b) for b in batches)
    expected = (padded - sum(values)) / padded
    assert measure_batch_padding(np.array(values, np.int32), size) == pytest.approx(
        expected, abs=1e-6
    )


def test_no_rows_have_no_padding() -> None:
    none = np.empty(0, np.int32)
    assert measure_batch_padding(none, 4) == 0.0
    assert measure_padding(none, 10).padding_waste == 0.0
