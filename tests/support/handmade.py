"""Datasets written by hand, for what no build makes: any ids, any mask, any manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.loading.dataset import Dataset, load
from sftdata.tokenizing.load import load_tokenizer

EOS = 256  # of the byte tokenizer, whose other ids are bytes


@dataclass(frozen=True)
class Row:
    """An example to be written."""

    row_id: str
    input_ids: list[int]
    target_start: int
    split: str = "train"
    template: str = "made/plain@1.0.0"
    label_mask: list[bool] = field(default_factory=list)

    @property
    def mask(self) -> list[bool]:
        rest = len(self.input_ids) - self.target_start
        return self.label_mask or [False] * self.target_start + [True] * rest


def row(row_id: str, prompt: str, target: str, **other: Any) -> Row:
    """An example of the byte tokenizer, as a build would make it."""
    before, after = list(prompt.encode()), list(target.encode())
    return Row(row_id, [*before, *after, EOS], len(before), **other)


def write(folder: Path, tokenizer_folder: Path, rows: Sequence[Row], /, **manifest: Any) -> Dataset:
    """Writes the rows and a manifest that fits them, but for what `manifest` says otherwise."""
    loaded = load_tokenizer(str(tokenizer_folder))
    splits: dict[str, Any] = {}
    for name in dict.fromkeys(["train", *(r.split for r in rows)]):
        splits[name] = {
            "shards": [_write_shard(folder, name, [r for r in rows if r.split == name])]
        }
    (folder / "ledger").mkdir(exist_ok=True)
    names = ("row_id", "source", "status", "reason", "detail")
    ledger = pa.table({n: pa.array([], pa.string()) for n in names})
    with pa.ipc.new_file(folder / "ledger" / "made.arrow", ledger.schema) as writer:
        writer.write_table(ledger)
    tokens = sum(len(r.input_ids) for r in rows)
    targets = sum(sum(r.mask) for r in rows)
    content = {
        "version": 1,
        "build": "made",
        "chat": None,
        "spec": {},
        "repeated": 0,
        "flagged": {},
        "task": "made",
        "draft": False,
        "template": dict.fromkeys((r.template for r in rows), "0" * 64),
        "tokenizer": {
            "name": str(tokenizer_folder),
            "sha256": loaded.sha256,
            "vocab_size": loaded.vocab_size,
            "eos_id": loaded.eos_id,
            "bos_id": loaded.bos_id,
            "pad_id": loaded.pad_id,
        },
        "sources": [{"path": "rows.jsonl", "rows": len(rows), "sha256": "0" * 64}],
        "options": {"max_length": None, "seed": 0},
        "splits": splits,
        "rows_in": len(rows),
        "rows_out": len(rows),
        "dropped": {},
        "cut": 0,
        "certificate": {
            "rows": len(rows), "prompt_equal": len(rows), "whole_text_equal": len(rows),
        },
        "stats": {"tokens": tokens, "target_tokens": targets, "splits": {}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(content | manifest))
    return load(folder)


def moved(rows: Sequence[Row], split: str) -> list[Row]:
    """The same rows in another split."""
    return [replace(r, split=split) for r in rows]


def _write_shard(folder: Path, name: str, rows: Sequence[Row]) -> dict[str, Any]:
    columns = {
        "row_id": pa.array([r.row_id for r in rows], pa.string()),
        "template": _dictionary([r.template for r in rows]),
        "input_ids": pa.array([r.input_ids for r in rows], pa.list_(pa.int32())),
        "label_mask": pa.array([r.mask for r in rows], pa.list_(pa.bool_())),
        "target_start": pa.array([r.target_start for r in rows], pa.int32()),
    }
    table = pa.table(columns)
    path = folder / "shards" / f"{name}-00000.arrow"
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    return {
        "path": f"shards/{name}-00000.arrow",
        "rows": len(rows),
        "tokens": sum(len(r.input_ids) for r in rows),
        "target_tokens": sum(sum(r.mask) for r in rows),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _dictionary(values: Sequence[str]) -> pa.DictionaryArray:
    names = list(dict.fromkeys(values)) or ["none"]
    return pa.DictionaryArray.from_arrays(
        pa.array([names.index(v) for v in values], pa.int8()), pa.array(names, pa.string())
    )
