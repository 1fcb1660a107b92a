"""Compare base and tuned model: a paired bootstrap over the rows that both have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sftdata_train.metrics import Score


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better the tuned model scores, over resampled rows."""

    task: str
    shots: int
    metric: str
    difference: float  # of the scores, tuned - base
    low: float  # 95 % of the resamples lie between low and high
    high: float
    better: float  # share of the resamples in which the tuned model scores more; ties count half

    def describe(self) -> str:
        """`rouge1: +3.2, 95 % from +0.4 to +6.0, better in 97% of the resamples`."""
        if round(self.low, 1) == round(self.high, 1) == 0:  # as they would be printed
            return f"{self.metric}: no difference"
        word, share = ("better", self.better) if self.better >= 0.5 else ("worse", 1 - self.better)
        return (
            f"{self.metric}: {self.difference:+.1f}, 95 % from {self.low:+.1f} to "
            f"{self.high:+.1f}, {word} in {share:.0%} of the resamples"
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
        better = float((gains > 0).mean() + (gains == 0).mean() / 2)
        difference = after.value - before.value
        found.append(
            Comparison(task, shots, before.name, difference, float(low), float(high), better)
        )
    return found
