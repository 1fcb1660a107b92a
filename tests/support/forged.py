"""A forger's work: rows of a dataset changed, and every digest made to agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from sftdata.base.schema import shard_schema
from support.manifests import edit_manifest

Row = dict[str, Any]


def shard_of(out: Path, split: str = "train") -> Path:
    """The only shard of a split."""
    (path,) = out.glob(f"shards/*/{split}-*.arrow")
    return path


def _count_targets(row: Row) -> int:
    return sum(row["label_mask"])


def rewrite_rows(
    out: Path,
    edit: Callable[[list[Row]], object],
    count_targets: Callable[[Row], int] = _count_targets,
) -> None:
    """Changes rows of the train shard and makes the manifest agree with the new file.

    `count_targets`: the number of target tokens that the manifest will tell of a row.
    """
    path = shard_of(out)
    with pa.OSFile(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    rows = table.to_pylist()
    edit(rows)
    new = pa.Table.from_pylist(rows, shard_schema(mixed="task" in table.schema.names))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, new.schema) as writer:
        writer.write_table(new)
    data = path.read_bytes()

    def agree(manifest: dict[str, Any]) -> None:
        (shard,) = manifest["splits"]["train"]["shards"]
        shard["sha256"], shard["bytes"] = hashlib.sha256(data).hexdigest(), len(data)
        shard["xxh3"], shard["batch_rows"] = xxhash.xxh3_128_hexdigest(data), [len(rows)]
        shard["tokens"] = sum(len(row["input_ids"]) for row in rows)
        shard["target_tokens"] = sum(map(count_targets, rows))

    edit_manifest(out, agree)
