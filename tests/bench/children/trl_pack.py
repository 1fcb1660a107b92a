"""Time TRL's `pack_dataset` with its defaults for rows of the same lengths; prints JSON.

    python trl_pack.py COUNT OUT

The rows are saved by `datasets` before the clock starts. `datasets.map` writes the packed rows to
disk, as in the trainer. By default TRL packs a thousand rows at a time.
"""

from __future__ import annotations

import json
import sys
import time

import datasets
import numpy as np
import pyarrow as pa
from draw_lengths import MAX_LENGTH, draw
from trl.data_utils import pack_dataset

_ROWS = 100_000  # per Arrow list column, whose offsets have 32 bits


def main(count: int, out: str) -> None:
    """Pack once."""
    datasets.disable_progress_bars()
    lengths = draw(count)
    chunks = [_column(lengths[at : at + _ROWS]) for at in range(0, count, _ROWS)]
    table = pa.table({"input_ids": pa.chunked_array(chunks)})
    datasets.Dataset(table).save_to_disk(f"{out}/rows")
    del chunks, table
    rows = datasets.load_from_disk(f"{out}/rows")
    started = time.perf_counter()
    packed = pack_dataset(rows, MAX_LENGTH)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "packs": len(packed)}))


def _column(lengths: np.ndarray) -> pa.ListArray:
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, np.zeros(offsets[-1], np.int32))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
