"""The paired bootstrap: how sure it is that the tuned model is better."""

from __future__ import annotations

import numpy as np
import pytest

from sftdata_train.evaluating.comparison import Comparison, compare_scores
from sftdata_train.evaluating.metrics import score

REFERENCES = ["a", "b", "c", "d"] * 10


def compare(base: list[str], tuned: list[str]) -> Comparison:
    """Of the exact match."""
    scored = [score("grammar", [None] * 40, REFERENCES, answers) for answers in (base, tuned)]
    return compare_scores("grammar", 0, *scored)[0]


def test_a_model_that_is_better_on_every_row_is_better_for_sure() -> None:
    found = compare(["x"] * 40, REFERENCES)
    assert (found.difference, found.low, found.high, found.better) == (100, 100, 100, 1.0)
    assert found.describe() == (
        "exact match: +100.0, 95 % from +100.0 to +100.0, better in 100% of the resamples"
    )


def test_equal_answers_are_neither_better_nor_worse() -> None:
    found = compare(["a"] * 40, ["a"] * 40)
    assert (found.difference, found.better) == (0, 0.5)
    assert found.describe() == "exact match: no difference"


def test_rows_are_drawn_in_pairs() -> None:
    """Three rows more are right, and none less: unpaired intervals of 40 rows would overlap."""
    base = [r if i % 2 else "x" for i, r in enumerate(REFERENCES)]
    tuned = [*REFERENCES[:6], *base[6:]]
    found = compare(base, tuned)
    assert found.difference == pytest.approx(7.5)
    assert found.better > 0.9
    assert found.low >= 0  # no resample loses a row
    separate = score("grammar", [None] * 40, REFERENCES, tuned)[0]
    assert separate.low < separate.value - 10  # the interval of one system alone is wider


def test_a_worse_model_is_called_worse() -> None:
    found = compare(REFERENCES, [*REFERENCES[:20], *["x"] * 20])
    assert found.better == 0
    assert found.describe().startswith("exact match: -50.0")
    assert found.describe().endswith("worse in 100% of the resamples")


def test_a_metric_without_rows_is_left_out() -> None:
    empty = score("qa", [], [], [])
    assert compare_scores("qa", 0, empty, empty) == []
    assert not any(np.size(one.resamples) for one in empty)
