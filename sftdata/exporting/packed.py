"""Formats with several examples in one sequence of ids: Megatron, OLMo-core."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.loading.packing import plan_path, read_plan

_PACKS_AT_ONCE = 256
_ROWS_AT_ONCE = 4096
_TOKENS_IN_PART = 1 << 28
_MEGATRON = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("loss_mask", pa.list_(pa.int8())),
        ("seq_start_id", pa.list_(pa.int32())),
    ]
)


def write_megatron(data: Dataset, splits: list[str], out: Path, max_length: int | None) -> None:
    """Write a Parquet file for each split, with a row for each pack.

    `loss_mask[t]` tells whether token t + 1 is in the loss; it is 0 at the end of each example.
    Raises `SftdataError` when a plan is missing or does not fit.
    """
    import pyarrow.parquet as pq

    assert max_length is not None
    directory = data.manifest.directory
    missing = [name for name in splits if not plan_path(directory, name, max_length).exists()]
    if missing:
        raise SftdataError(
            f"{directory} has no pack plan for {max_length:,} tokens of: {', '.join(missing)}.",
            f"Make the plans: sftdata pack {directory} --max-length {max_length}",
            code="E705",
        )
    plans = {name: read_plan(data, name, max_length) for name in splits}
    for name, plan in plans.items():
        with pq.ParquetWriter(out / f"{name}.idx.parquet", _MEGATRON) as writer:
            for start in range(0, len(plan), _PACKS_AT_ONCE):
                packs = range(start, min(start + _PACKS_AT_ONCE, len(plan)))
                rows = [_join_pack(data, name, plan[pack]) for pack in packs]
                columns = [pa.array(column) for column in zip(*rows, strict=True)]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=_MEGATRON))


def _join_pack(
    data: Dataset, split: str, rows: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    examples = [data[split][int(row)] for row in rows]
    masks = [np.append(example.label_mask[1:], False).astype(np.int8) for example in examples]
    ends = np.cumsum([len(example.input_ids) for example in examples])
    starts = np.concatenate(([0], ends[:-1])).astype(np.int32)
    return np.concatenate([e.input_ids for e in examples]), np.concatenate(masks), starts


def write_olmo(data: Dataset, splits: list[str], out: Path, max_length: int | None) -> None:
    """Write a folder for each split: raw arrays of ids and mask, and the example boundaries."""
    size = data.manifest["tokenizer"]["vocab_size"]
    dtype = next(d for d in (np.uint8, np.uint16, np.uint32) if size - 1 <= np.iinfo(d).max)
    for name in splits:
        split, folder = data[name], out / name
        folder.mkdir()
        # A new part starts with the first example after each multiple of `_TOKENS_IN_PART`.
        part_of = (np.cumsum(split.lengths) - split.lengths) // _TOKENS_IN_PART
        firsts = np.flatnonzero(np.diff(part_of, prepend=-1)).tolist()
        for part, (first, end) in enumerate(pairwise([*firsts, len(split)])):
            with (
                (folder / f"token_ids_part_{part:04d}.npy").open("wb") as ids,
                (folder / f"labels_mask_part_{part:04d}.npy").open("wb") as mask,
                gzip.GzipFile(folder / f"token_ids_part_{part:04d}.csv.gz", "wb", mtime=0) as ends,
            ):
                at = 0
                for batch in split[first:end].batches(_ROWS_AT_ONCE):
                    ids.write(batch.input_ids.astype(dtype).tobytes())
                    mask.write(batch.label_mask.tobytes())
                    bounds = (batch.offsets + at).tolist()
                    lines = pairwise(bounds)
                    ends.write("".join(f"{a},{b}\n" for a, b in lines).encode())
                    at = bounds[-1]


def count_split_examples(data: Dataset, splits: list[str]) -> int:
    """The number of examples that hold EOS before their end, or don't end with it."""
    eos, count = data.manifest["tokenizer"]["eos_id"], 0
    for name in splits:
        for batch in data[name].batches(_ROWS_AT_ONCE):
            is_eos = batch.input_ids == eos
            ends = np.add.reduceat(is_eos, batch.offsets[:-1], dtype=np.int64)
            count += int(((ends != 1) | ~is_eos[batch.offsets[1:] - 1]).sum())
    return count
