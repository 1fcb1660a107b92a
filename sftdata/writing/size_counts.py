"""Counts of row sizes: enough for totals and quantiles, however many rows there are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sftdata.base.schema import RowSizes

Counts = npt.NDArray[np.int64]

LENGTHS = ("prompt_length", "target_length", "length")  # out of the loss, in it, and both
LABELS = ("template", "task")


def _no_counts() -> Counts:
    return np.zeros(0, np.int64)


@dataclass
class SizeCounts:
    """How many rows have each length, and rows and tokens of each label.

    Its size depends on the longest row and on the number of labels.
    """

    # For each of LENGTHS: how many rows have so many tokens.
    rows_of_length: dict[str, Counts] = field(default_factory=dict)
    # For each of LABELS: int64[3, labels], rows, tokens and target tokens of each.
    by_label: dict[str, Counts] = field(default_factory=dict)

    def add(self, sizes: RowSizes) -> None:
        """Counts these rows."""
        tokens, target = sizes.tokens, sizes.target_tokens
        for name, values in zip(LENGTHS, (tokens - target, target, tokens), strict=True):
            known = self.rows_of_length.get(name, _no_counts())
            self.rows_of_length[name] = add_counts(known, np.bincount(values))
        for name in LABELS:
            index = getattr(sizes, name)
            counts = [np.bincount(index, weights) for weights in (None, tokens, target)]
            known = self.by_label.get(name, np.zeros((3, 0), np.int64))
            self.by_label[name] = add_counts(known, np.array(counts).astype(np.int64))

    def __add__(self, other: SizeCounts) -> SizeCounts:
        """The counts of the rows of both."""
        total = SizeCounts(dict(self.rows_of_length), dict(self.by_label))
        for own, more in (
            (total.rows_of_length, other.rows_of_length),
            (total.by_label, other.by_label),
        ):
            for name, counts in more.items():
                own[name] = add_counts(own[name], counts) if name in own else counts
        return total

    def length_counts(self, name: str) -> Counts:
        """How many rows have 0, 1, 2 … tokens, by one of LENGTHS."""
        return self.rows_of_length.get(name, _no_counts())

    def label_counts(self, name: str, labels: int) -> Counts:
        """int64[3, labels]: rows, tokens and target tokens of each, by one of LABELS."""
        counts = np.zeros((3, labels), np.int64)
        return add_counts(self.by_label[name], counts) if name in self.by_label else counts

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.length_counts("length").sum())

    def tokens(self, name: str = "length") -> int:
        """The sum of one of LENGTHS over all rows."""
        counts = self.length_counts(name)
        return int(counts @ np.arange(len(counts)))


def add_counts(one: Counts, other: Counts) -> Counts:
    """The sums of counts along the last axis, in which one array may be shorter."""
    longer, shorter = (one, other) if one.shape[-1] > other.shape[-1] else (other, one)
    total = longer.copy()
    total[..., : shorter.shape[-1]] += shorter
    return total
