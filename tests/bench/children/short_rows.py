"""Make a dataset of many short rows, a batch at a time.

    python short_rows.py DATASET ROWS OUT

The library's own writer makes the shards; the manifest is that of DATASET with these shards as its
only split. A row has eight tokens, four of them in the loss.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flags, numbers
from sftdata.base.schema import label_column, shard_schema
from sftdata.writing.manifest import Manifest, read_manifest, write_manifest
from sftdata.writing.shards import ShardWriter

_TOKENS, _TARGET_START = 8, 4  # of a row
_AT_ONCE = 1 << 18  # rows


def main(directory: str, rows: int, out: Path) -> None:
    """Write shards and manifest."""
    content = dict(read_manifest(Path(directory)).content)
    labels = list(content["template"])[:1]
    (out / "shards").mkdir(parents=True)
    writer = ShardWriter(out / "shards", "train")
    for first in range(0, rows, _AT_ONCE):
        batch = _batch(first, min(_AT_ONCE, rows - first), labels)
        writer.append(batch, 0, batch.num_rows)
    shards = [shard.to_json("shards") for shard in writer.close()]
    content |= {"rows_in": rows, "rows_out": rows, "dropped": {}}
    content["splits"] = {"train": {"rows": rows, "shards": shards}}
    write_manifest(Manifest(out, content))


def _batch(first: int, rows: int, labels: list[str]) -> pa.RecordBatch:
    offsets = numbers(np.arange(rows + 1, dtype=np.int32) * _TOKENS)
    ids = np.arange(rows * _TOKENS, dtype=np.int32) % 50_000
    in_loss = np.tile(np.arange(_TOKENS) >= _TARGET_START, rows)
    columns = [
        pc.cast(numbers(np.arange(first, first + rows)), pa.string()),
        label_column(np.zeros(rows, np.int8), labels),
        pa.ListArray.from_arrays(offsets, numbers(ids)),
        pa.ListArray.from_arrays(offsets, flags(in_loss)),
        numbers(np.full(rows, _TARGET_START, np.int32)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=shard_schema())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
