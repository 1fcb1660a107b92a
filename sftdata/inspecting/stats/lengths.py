"""Counts of row lengths, and their totals, quantiles and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_LEVELS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_PARTS = ("prompt_length", "target_length", "length")
_BARS = 12


class LengthCounts:
    """For each number of tokens the rows with as many: in the prompt, the target and in all.

    Its size depends on the longest row, not on the number of rows.
    """

    def __init__(self) -> None:
        self._counts = [np.zeros(1, np.int64) for _ in _PARTS]

    def add_rows(self, lengths: npt.NDArray[np.int32]) -> None:
        """Counts int32[rows, 3], as `row_lengths` gives them."""
        for part, values in enumerate(lengths.T):
            new, known = np.bincount(values, minlength=1), self._counts[part]
            longer, shorter = (new, known) if len(new) > len(known) else (known, new)
            longer[: len(shorter)] += shorter
            self._counts[part] = longer

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return len(self._counts[2]) - 1

    def summarize(self) -> dict[str, Any]:
        """Rows, tokens, target tokens and their share, and quantiles of the three lengths."""
        rows = int(self._counts[2].sum())
        target_tokens, tokens = (int(c @ np.arange(len(c))) for c in self._counts[1:])
        return {
            "rows": rows,
            "tokens": tokens,
            "target_tokens": target_tokens,
            "target_share": round(target_tokens / tokens, 6) if tokens else 0.0,
            **{n: _quantiles(c) for n, c in zip(_PARTS, self._counts, strict=True)},
        }

    def histograms(self) -> dict[str, list[dict[str, int]]]:
        """For each of the three lengths bars of equal width; the last bar holds the long tail."""
        return {n: _histogram(c) for n, c in zip(_PARTS, self._counts, strict=True)}


def _quantiles(counts: npt.NDArray[np.int64]) -> dict[str, int]:
    """p50, p90, p95, p99 and max of lengths, where `counts[n]` rows have n tokens."""
    below = np.cumsum(counts)
    if not below[-1]:
        return dict.fromkeys((*_LEVELS, "max"), 0)
    # The smallest length that this share of the rows does not exceed.
    ranks = np.maximum(1, np.ceil(np.array(list(_LEVELS.values())) * below[-1] - 1e-9))
    found = np.searchsorted(below, ranks)
    return dict(zip(_LEVELS, found.tolist(), strict=True)) | {"max": len(counts) - 1}


def _histogram(counts: npt.NDArray[np.int64]) -> list[dict[str, int]]:
    if not counts.sum():
        return []
    tail = int(np.searchsorted(np.cumsum(counts), 0.99 * counts.sum())) + 1
    width = max(1, -(-tail // _BARS))
    step = 10 ** max(0, len(str(width)) - 2)  # two digits that count, then zeros
    width = -(-width // step) * step
    bars: list[dict[str, int]] = []
    for start in range(0, len(counts), width):
        end = start + width if len(bars) < _BARS else len(counts)
        bars.append({"from": start, "to": min(end, len(counts)) - 1})
        bars[-1]["rows"] = int(counts[start:end].sum())
        if end >= len(counts):
            break
    return bars
