"""Statistics of a data set, from its columns and never from its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def length_stats(lengths: Mapping[str, npt.NDArray[np.int32]]) -> dict[str, Any]:
    """Token counts and length quantiles over all splits, and the counts of each.

    `lengths`: for each split int32[rows, 2], the tokens out of the loss and those in it.
    """
    all_rows = np.concatenate(list(lengths.values()))
    tokens, target_tokens = int(all_rows.sum()), int(all_rows[:, 1].sum())
    return {
        "tokens": tokens,
        "target_tokens": target_tokens,
        "target_share": round(target_tokens / tokens, 6) if tokens else 0.0,
        "prompt_length": quantiles(all_rows[:, 0]),
        "target_length": quantiles(all_rows[:, 1]),
        "length": quantiles(all_rows.sum(axis=1)),
        "splits": {
            name: {
                "rows": len(rows),
                "tokens": int(rows.sum()),
                "target_tokens": int(rows[:, 1].sum()),
            }
            for name, rows in lengths.items()
        },
    }


def quantiles(values: npt.NDArray[Any]) -> dict[str, int]:
    """p50, p95, p99 and max, each a length that occurs; zeros where there are no rows."""
    if not len(values):
        return dict.fromkeys((*QUANTILES, "max"), 0)
    found = np.quantile(values, list(QUANTILES.values()), method="inverted_cdf")
    return dict(zip(QUANTILES, map(int, found), strict=True)) | {"max": int(values.max())}
