"""Summaries of row sizes for the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.base.schema import RowSizes
from sftdata.writing.manifest import shards_path
from sftdata.writing.shards import Shard

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
    """p50, p95, p99 and max, each a length that occurs; zeros if there are no rows."""
    if not len(values):
        return dict.fromkeys((*QUANTILES, "max"), 0)
    found = np.quantile(values, list(QUANTILES.values()), method="inverted_cdf")
    return dict(zip(QUANTILES, map(int, found), strict=True)) | {"max": int(values.max())}


def describe_splits(shards: Mapping[str, Sequence[Shard]], build: str) -> dict[str, Any]:
    """The manifest's entry of the shards of each split."""
    folder = shards_path(build)
    return {name: {"shards": [s.to_json(folder) for s in parts]} for name, parts in shards.items()}


def describe_sizes(
    sizes: Mapping[str, RowSizes], groups: Mapping[str, tuple[str, Sequence[str]]]
) -> dict[str, Any]:
    """Token counts and lengths over all splits, of each split, and by each grouping.

    `groups`: the key in the result → the column of `RowSizes` and the labels it counts from 0.
    """
    lengths = {
        name: np.stack((s.tokens - s.target_tokens, s.target_tokens), axis=1).astype(np.int32)
        for name, s in sizes.items()
    }
    stats = length_stats(lengths)
    every = RowSizes.concatenate(list(sizes.values()))
    for key, (column, labels) in groups.items():
        index = getattr(every, column)
        counts = [
            np.bincount(index, weights, len(labels)).astype(int).tolist()
            for weights in (None, every.tokens, every.target_tokens)
        ]
        stats[key] = {
            label: {"rows": rows, "tokens": tokens, "target_tokens": target}
            for label, rows, tokens, target in zip(labels, *counts, strict=True)
        }
    return stats
