"""Shards of mosaicml-streaming (MDS), written from their description; no package is needed.

A shard is the number of samples, the offset of each, a header of JSON, and the samples. A sample is
the byte sizes of its columns and their values. Columns are sorted by name; numbers are
little-endian. `index.json` lists the shards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from sftdata.loading.dataset import Dataset
from sftdata.loading.example import Batch
from sftdata.loading.text import find_stretches

_ROWS_AT_ONCE = 4096
_BYTES_IN_SHARD = 1 << 26  # the default of mosaicml-streaming
_COLUMNS = {"input_ids": "ndarray:int32", "labels": "ndarray:int32", "turns": "json"}
_HEADER = {
    "version": 2,
    "format": "mds",
    "compression": None,
    "hashes": [],
    "size_limit": _BYTES_IN_SHARD,
    "column_names": list(_COLUMNS),
    "column_encodings": list(_COLUMNS.values()),
    "column_sizes": [None] * len(_COLUMNS),
}
_SHAPE_TYPES = ("<u1", "<u2", "<u4")  # of an array's length, by their number


def write_mds(data: Dataset, splits: list[str], out: Path, max_length: int | None) -> None:
    """Write a folder of shards for each split: `input_ids`, `labels` and, for llm-foundry, `turns`.

    A turn is what stands before a stretch in the loss (`input_ids`), and the stretch (`labels`).
    """
    for name in splits:
        shards = _ShardWriter(out / name)
        for batch in data[name].batches(_ROWS_AT_ONCE):
            for sample in _samples(batch):
                shards.add(sample)
        shards.finish()


def count_other_ends(data: Dataset, splits: list[str]) -> int:
    """The number of examples whose last token in the loss is not EOS: llm-foundry adds it."""
    eos, number = data.manifest["tokenizer"]["eos_id"], 0
    for name in splits:
        for batch in data[name].batches(_ROWS_AT_ONCE):
            _, ends = find_stretches(batch)
            last = ends[np.searchsorted(ends, batch.offsets[1:], side="right") - 1]
            number += int((batch.input_ids[last - 1] != eos).sum())
    return number


class _ShardWriter:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._header = json.dumps(_HEADER, sort_keys=True).encode()
        self._shards: list[dict[str, Any]] = []
        self._samples: list[bytes] = []
        self._size = 0  # of the shard with the samples so far

    def add(self, sample: bytes) -> None:
        size = len(sample) + 4  # with its offset
        if self._samples and self._size + size > _BYTES_IN_SHARD:
            self._write_shard()
        if not self._samples:
            self._size = 8 + len(self._header)
        self._samples.append(sample)
        self._size += size

    def finish(self) -> None:
        if self._samples:
            self._write_shard()
        index = {"version": 2, "shards": self._shards}
        (self._folder / "index.json").write_text(json.dumps(index, sort_keys=True))

    def _write_shard(self) -> None:
        count = len(self._samples)
        ends = np.cumsum([0, *map(len, self._samples)])
        offsets = (ends + 8 + 4 * count + len(self._header)).astype("<u4")
        name = f"shard.{len(self._shards):05}.mds"
        head = np.array([count], "<u4").tobytes() + offsets.tobytes() + self._header
        with (self._folder / name).open("wb") as file:
            file.write(head)
            file.writelines(self._samples)
        raw = {"basename": name, "bytes": int(offsets[-1]), "hashes": {}}
        self._shards.append({**_HEADER, "raw_data": raw, "samples": count, "zip_data": None})
        self._samples.clear()


def _samples(batch: Batch) -> Iterator[bytes]:
    labels, (starts, ends) = batch.labels, find_stretches(batch)
    firsts = np.searchsorted(starts, batch.offsets).tolist()  # the first stretch of each row
    bounds = batch.offsets.tolist()
    for row, (first, last) in enumerate(pairwise(firsts)):
        start, end = bounds[row], bounds[row + 1]
        # What follows the last stretch changes no loss, and llm-foundry has no turn for it.
        before = [start, *ends[first : last - 1].tolist()]
        turns = [
            {"input_ids": batch.input_ids[a:b], "labels": batch.input_ids[b:c]}
            for a, b, c in zip(before, starts[first:last], ends[first:last], strict=True)
        ]
        values = [
            _encode_array(batch.input_ids[start:end]),
            _encode_array(labels[start:end]),
            orjson.dumps(turns, option=orjson.OPT_SERIALIZE_NUMPY),
        ]
        yield b"".join([np.array([*map(len, values)], "<u4").tobytes(), *values])


def _encode_array(values: npt.NDArray[np.int32]) -> bytes:
    """One dimension and its length in the smallest type, and the values."""
    number = next(n for n, _ in enumerate(_SHAPE_TYPES) if len(values) < 1 << (8 << n))
    length = np.array([len(values)], _SHAPE_TYPES[number])
    return bytes([1 << 2 | number]) + length.tobytes() + values.astype("<i4").tobytes()
