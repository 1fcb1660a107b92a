"""Length counts: totals and quantiles are those of the rows, and bars hold every row once."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sftdata.inspecting.stats.lengths import LengthCounts
from sftdata.writing.summary import quantiles


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_quantiles_of_counts_are_those_of_the_rows(values: list[int]) -> None:
    counts, column = LengthCounts(), np.array(values, np.int32)
    for part in np.array_split(np.stack([column] * 3, axis=1), 3):
        counts.add_rows(part)
    found, expected = counts.summarize()["length"], quantiles(np.bincount(column))
    assert {key: found[key] for key in expected} == expected
    assert found["p90"] == sorted(values)[math.ceil(0.9 * len(values)) - 1]
    bars = counts.histograms()["length"]
    for bar in bars:
        assert bar["rows"] == sum(bar["from"] <= v <= bar["to"] for v in values)
    assert sum(bar["rows"] for bar in bars) == len(values)
