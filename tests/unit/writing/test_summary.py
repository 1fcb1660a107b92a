"""Summaries of row sizes: counts give the quantiles of the rows themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sftdata.base.schema import RowSizes
from sftdata.writing.size_counts import SizeCounts
from sftdata.writing.summary import QUANTILES, describe_sizes, quantiles


@given(st.lists(st.integers(0, 40), min_size=1, max_size=120))
def test_quantiles_of_counts_are_those_of_the_rows(values: list[int]) -> None:
    column = np.array(values)
    expected = np.quantile(column, list(QUANTILES.values()), method="inverted_cdf").tolist()
    found = quantiles(np.bincount(column, minlength=50))
    assert found == dict(zip(QUANTILES, expected, strict=True)) | {"max": max(values)}


def test_a_summary_counts_all_splits_each_split_and_each_label() -> None:
    #                     tokens       of these in the loss   template
    sizes = {
        "train": counted([3, 5], [1, 2], [0, 1]),
        "test": counted([4], [4], [1]),
        "none": SizeCounts(),
    }
    assert describe_sizes(sizes, {"by_template": ("template", ["a", "b", "c"])}) == {
        "tokens": 12,
        "target_tokens": 7,
        "target_share": 0.583333,
        "prompt_length": {"p50": 2, "p95": 3, "p99": 3, "max": 3},
        "target_length": {"p50": 2, "p95": 4, "p99": 4, "max": 4},
        "length": {"p50": 4, "p95": 5, "p99": 5, "max": 5},
        "splits": {
            "train": {"rows": 2, "tokens": 8, "target_tokens": 3},
            "test": {"rows": 1, "tokens": 4, "target_tokens": 4},
            "none": {"rows": 0, "tokens": 0, "target_tokens": 0},
        },
        "by_template": {
            "a": {"rows": 1, "tokens": 3, "target_tokens": 1},
            "b": {"rows": 2, "tokens": 9, "target_tokens": 6},
            "c": {"rows": 0, "tokens": 0, "target_tokens": 0},
        },
    }


def counted(tokens: list[int], target: list[int], template: list[int]) -> SizeCounts:
    """The counts of these rows, added one at a time."""
    counts = SizeCounts()
    for row in zip(tokens, target, template, strict=True):
        counts.add(RowSizes(*(np.array([value], np.int32) for value in (*row, 0))))
    return counts
