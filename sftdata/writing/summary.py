"""Summaries of row sizes for the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.writing.manifest import shards_path
from sftdata.writing.shards import Shard
from sftdata.writing.size_counts import LENGTHS, SizeCounts

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def quantiles(counts: npt.NDArray[np.int64]) -> dict[str, int]:
    """p50, p95, p99 and max, each a length that occurs, where `counts[n]` rows have length n.

    Zeros if there are no rows.
    """
    below = np.cumsum(counts)
    if not len(below) or not below[-1]:
        return dict.fromkeys((*QUANTILES, "max"), 0)
    # The smallest length that this share of the rows does not exceed.
    ranks = np.maximum(1, np.ceil(np.array(list(QUANTILES.values())) * below[-1] - 1e-9))
    found = np.searchsorted(below, ranks).tolist()
    longest = int(np.flatnonzero(counts)[-1])
    return dict(zip(QUANTILES, found, strict=True)) | {"max": longest}


def describe_splits(shards: Mapping[str, Sequence[Shard]], build: str) -> dict[str, Any]:
    """The manifest's entry of the shards of each split."""
    folder = shards_path(build)
    return {name: {"shards": [s.to_json(folder) for s in parts]} for name, parts in shards.items()}


def describe_sizes(
    sizes: Mapping[str, SizeCounts], groups: Mapping[str, tuple[str, Sequence[str]]]
) -> dict[str, Any]:
    """Token counts and lengths over all splits, of each split, and by each grouping.

    `groups`: the key in the result → the label of `SizeCounts` and the names it counts from 0.
    """
    every = sum(sizes.values(), SizeCounts())
    tokens, target_tokens = every.tokens(), every.tokens("target_length")
    stats: dict[str, Any] = {
        "tokens": tokens,
        "target_tokens": target_tokens,
        "target_share": round(target_tokens / tokens, 6) if tokens else 0.0,
        **{name: quantiles(every.length_counts(name)) for name in LENGTHS},
        "splits": {
            name: {
                "rows": own.rows,
                "tokens": own.tokens(),
                "target_tokens": own.tokens("target_length"),
            }
            for name, own in sizes.items()
        },
    }
    for key, (label, names) in groups.items():
        counts = every.label_counts(label, len(names)).tolist()
        stats[key] = {
            name: {"rows": rows, "tokens": tokens, "target_tokens": target}
            for name, rows, tokens, target in zip(names, *counts, strict=True)
        }
    return stats
