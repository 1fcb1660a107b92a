"""Compare two systems: a paired bootstrap over the rows that both have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sftdata_train.evaluating.metrics import Score


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better one system scores than another, over resampled rows."""

    task: str
    shots: int
    metric: str
    difference: float  # of the values: tuned - base, or B - A
    low: float  # 95 % of the resamples lie between low and high
    high: float
    better: float  # share of the resamples in which it is better; ties count half

    def describe(self) -> str:
        """`rouge1: +3.2, 95 % from +0.4 to +6.0, better in 97% of the resamples`."""
        digits = 4 if self.metric == "loss" else 1
        if round(self.low, digits) == round(self.high, digits) == 0:  # as they would be printed
            return f"{self.metric}: no difference"
        word, share = ("better", self.better) if self.better >= 0.5 else ("worse", 1 - self.better)
        values = [f"{x:+.{digits}f}" for x in (self.difference, self.low, self.high)]
        return (
            f"{self.metric}: {values[0]}, 95 % from {values[1]} to {values[2]}, "
            f"{word} in {share:.0%} of the resamples"
        )


def compare_scores(
    task: str, shots: int, base: Sequence[Score], tuned: Sequence[Score]
) -> list[Comparison]:
    """One comparison for each metric that has rows.

    Each resample draws the same rows for both, so differences between rows cancel out.
    """
    found = []
    for before, after in zip(base, tuned, strict=True):
        if not len(before.resamples):
            continue
        gains = after.resamples - before.resamples
        low, high = np.quantile(gains, (0.025, 0.975))
        wins = gains < 0 if before.lower_is_better else gains > 0
        better = float(wins.mean() + (gains == 0).mean() / 2)
        difference = after.value - before.value
        found.append(
            Comparison(task, shots, before.name, difference, float(low), float(high), better)
        )
    return found
