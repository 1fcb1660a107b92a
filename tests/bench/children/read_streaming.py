"""Read the same rows with mosaicml-streaming.

    python read_streaming.py OUT SHARD [SHARD]

Writes them in its own format (MDS, NumPy arrays) before the clock starts.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pyarrow as pa
from streaming import MDSWriter, StreamingDataset
from time_reads import SEED, Arrays, time_reads

# It checks every seven milliseconds how far to read ahead. With its default of eight batches,
# waiting would be all that is measured.
_AHEAD = 4096


def _arrays(row: dict[str, Any]) -> Arrays:
    return row["input_ids"], row["label_mask"]


def _write(folder: str, shards: tuple[str, ...]) -> None:
    columns = {"input_ids": "ndarray:int32", "label_mask": "ndarray:uint8"}
    with MDSWriter(out=folder, columns=columns) as writer:
        for shard in shards:
            with pa.memory_map(shard) as mapped:
                table = pa.ipc.open_file(mapped).read_all().select(list(columns))
            for row in table.to_batches(1):
                ids, mask = (row.column(name)[0].values for name in columns)
                values = ids.to_numpy(), mask.to_numpy(zero_copy_only=False).astype(np.uint8)
                writer.write(dict(zip(columns, values, strict=True)))


def main(out: str, *shards: str) -> None:
    """Read at random, in order and shuffled."""
    folder = f"{out}/mds"
    _write(folder, shards)
    options = {"local": folder, "batch_size": 1, "predownload": _AHEAD}
    rows = StreamingDataset(shuffle=False, **options)
    shuffled = StreamingDataset(shuffle=True, shuffle_seed=SEED, **options)
    time_reads(
        len(rows),
        get=lambda at: _arrays(rows[at]),
        in_order=lambda: map(_arrays, rows),
        shuffled=lambda: map(_arrays, shuffled),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
