"""Exported files read back by the descriptions of their formats: the ids and labels of each row."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

IGNORED = -100
Rows = list[tuple[list[int], list[int]]]  # ids and labels


def _read_parquet(folder: Path, split: str) -> Rows:
    table = pq.read_table(folder / f"{split}.parquet", columns=["input_ids", "labels"])
    return [(row["input_ids"], row["labels"]) for row in table.to_pylist()]


def _read_saved(folder: Path, split: str) -> Rows:
    import datasets

    rows = datasets.load_from_disk(str(folder))[split]
    return list(zip(rows["input_ids"][:], rows["labels"][:], strict=True))


def _read_jsonl(folder: Path, split: str) -> Rows:
    lines = (folder / f"{split}.jsonl").read_text("utf-8").splitlines()
    return [(row["input_ids"], row["labels"]) for row in map(json.loads, lines)]


def _read_mds(folder: Path, split: str) -> Rows:
    return [(sample["input_ids"], sample["labels"]) for sample in read_mds(folder / split)]


def _read_packs(folder: Path, split: str) -> Rows:
    """Rows of Megatron's packs, in the order of the packs: the mask belongs to the next token."""
    rows = []
    for pack in pq.read_table(folder / f"{split}.idx.parquet").to_pylist():
        ids, mask = pack["input_ids"], pack["loss_mask"]
        for start, end in pairwise([*pack["seq_start_id"], len(ids)]):
            own = [0, *mask[start : end - 1]]
            assert mask[end - 1] == 0  # nothing is predicted beyond an example
            rows.append((ids[start:end], _label(ids[start:end], own)))
    return rows


def _read_olmo(folder: Path, split: str) -> Rows:
    rows = []
    for part in sorted((folder / split).glob("token_ids_part_*.npy")):
        mask_path = part.with_name(part.name.replace("token_ids", "labels_mask"))
        mask = np.fromfile(mask_path, np.bool_).tolist()
        ids = np.fromfile(part, _find_type(part, len(mask))).tolist()
        with gzip.open(part.with_suffix(".csv.gz"), "rt") as file:
            bounds = [tuple(map(int, line.split(","))) for line in file]
        rows += [(ids[a:b], _label(ids[a:b], mask[a:b])) for a, b in bounds]
    return rows


def _find_type(path: Path, count: int) -> str:
    return {1: "u1", 2: "<u2", 4: "<u4"}[path.stat().st_size // count]


def _label(ids: list[int], mask: list[Any]) -> list[int]:
    return [token if wanted else IGNORED for token, wanted in zip(ids, mask, strict=True)]


READERS: dict[str, Callable[[Path, str], Rows]] = {
    "hf": _read_saved,
    "parquet": _read_parquet,
    "jsonl": _read_jsonl,
    "trl": _read_parquet,
    "axolotl": _read_parquet,
    "llamafactory": _read_saved,
    "open-instruct": _read_saved,
    "mds": _read_mds,
    "megatron-packed": _read_packs,
    "olmo-core": _read_olmo,
}


def read_mds(folder: Path) -> list[dict[str, Any]]:
    """The samples of a folder of MDS shards."""
    samples = []
    for shard in json.loads((folder / "index.json").read_text())["shards"]:
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        (count,) = struct.unpack_from("<I", data)
        assert count == shard["samples"]
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        header = json.loads(data[4 * (count + 2) : offsets[0]])
        assert header == {name: value for name, value in shard.items() if name in header}
        for start, end in pairwise(offsets):
            sizes = struct.unpack_from("<3I", data, start)
            ends = [start + 12 + sum(sizes[:n]) for n in range(4)]
            assert ends[-1] == end
            ids, labels, turns = (data[a:b] for a, b in pairwise(ends))
            arrays = {"input_ids": _read_array(ids), "labels": _read_array(labels)}
            samples.append({**arrays, "turns": json.loads(turns)})
    return samples


def _read_array(data: bytes) -> list[int]:
    width = 1 << (data[0] & 3)
    assert data[0] >> 2 == 1  # dimensions
    length = int.from_bytes(data[1 : 1 + width], "little")
    return list(struct.unpack_from(f"<{length}i", data, 1 + width))
