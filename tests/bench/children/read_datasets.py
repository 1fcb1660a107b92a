"""Read the same shards with `datasets` in its numpy format.

    python read_datasets.py OUT SHARD [SHARD]

Reads only the columns that training needs; sftdata reads all.
"""

from __future__ import annotations

import sys
from typing import Any

import datasets
from time_reads import SEED, Arrays, time_reads


def _arrays(row: dict[str, Any]) -> Arrays:
    return row["input_ids"], row["label_mask"]


def main(out: str, *shards: str) -> None:
    """Read at random, in order and shuffled."""
    datasets.disable_progress_bars()
    rows = datasets.load_dataset(
        "arrow", data_files=list(shards), split="train", cache_dir=f"{out}/cache"
    )
    rows = rows.select_columns(["input_ids", "label_mask", "target_start"]).with_format("numpy")
    time_reads(
        len(rows),
        get=lambda at: _arrays(rows[at]),
        in_order=lambda: map(_arrays, rows),
        shuffled=lambda: map(_arrays, rows.shuffle(seed=SEED)),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
