"""Rows with unusual lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.inspecting.rows.select import RowSet

_FENCE = 1.5  # interquartile ranges, as in a box plot
_LEAST_REACH = np.log(2.0)  # a factor of two is never far


@dataclass(frozen=True)
class Outlier:
    """A row with an unusual length."""

    number: int  # in the row set
    why: str


def find_outliers(rows: RowSet) -> list[Outlier]:
    """Rows with an unusual length, target length or share of the two, in order."""
    if not len(rows):
        return []
    splits = [(rows.data[name], at) for name, at in rows.places.items()]
    total = np.concatenate([split.lengths[at] for split, at in splits])
    target = np.concatenate([split.target_counts[at] for split, at in splits])
    size, answer = np.log(total), np.log(np.maximum(target, 1))
    measures = {"tokens": size, "target tokens": answer, "target share": answer - size}
    why: dict[int, str] = {}
    for name, values in measures.items():
        for number, word in _find_far(values):
            why.setdefault(number, f"{word} {name} than in other rows")
    return [Outlier(number, why[number]) for number in sorted(why)]


def _find_far(values: npt.NDArray[np.float64]) -> list[tuple[int, str]]:
    low, high = np.quantile(values, [0.25, 0.75])
    reach = max(_FENCE * (high - low), _LEAST_REACH)
    return [
        (int(number), "far more" if values[number] > high else "far fewer")
        for number in np.flatnonzero((values < low - reach) | (values > high + reach))
    ]
