"""Parsers of the files of a dataset: manifest, ledger, pack plan, journal."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import xxhash

from sftdata.base.files import sha256_of
from sftdata.base.sealed_json import KEY, seal, to_json
from sftdata.building.recorded_spec import recorded_spec
from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs, plan_path, read_plan, write_plan
from sftdata.writing.dataset_files import find_file_faults
from sftdata.writing.earlier_build import EarlierBuild
from sftdata.writing.journal_lines import is_whole_journal
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import ledger_path, read_manifest
from support.byte_tokenizer import write_byte_tokenizer
from support.forty_rows import build_rows, rows, write_spec
from support.parsers.parser import Parser, encode_line


def _dataset() -> Path:
    """The folder of a small dataset, one row of which was dropped."""
    write_spec(write_byte_tokenizer(Path("bytes")).absolute())
    golden = rows()
    golden[3]["summary"] = ""
    build_rows(golden)
    return Path("out").absolute()


def _manifest() -> Parser:
    dataset = _dataset()
    path = dataset / "manifest.json"

    def read(data: bytes) -> None:
        path.write_bytes(with_digest(data))
        manifest = read_manifest(dataset)
        list(find_file_faults(manifest))
        Ledger.read(manifest)
        recorded_spec(manifest)
        for split in load(dataset).values():
            assert len(split) == len(split.lengths)
            _ = [split[0], split[-1]] if len(split) else []

    return Parser(read, [json.loads(path.read_bytes())], encode_sealed, [path.read_bytes()])


def encode_sealed(content: Mapping[str, Any]) -> bytes:
    """A file whose digest agrees, also with content that `seal` does not take."""
    content = {key: value for key, value in content.items() if key != KEY} | {KEY: "0" * 64}
    return with_digest(json.dumps(content, indent=2).encode() + b"\n")


def with_digest(data: bytes) -> bytes:
    """The file with its right digest in the place of the one at its end, if there is one."""
    before, key, _ = data.rpartition(b'"own_sha256": "')
    if not key or not re.fullmatch(rb'[0-9a-f]{64}"\n}\n', data[len(before + key) :]):
        return data
    zeros = before + key + b"0" * 64 + b'"\n}\n'
    return before + key + hashlib.sha256(zeros).hexdigest().encode() + b'"\n}\n'


def _ledger() -> Parser:
    dataset = _dataset()
    manifest = read_manifest(dataset)
    name = ledger_path(manifest["build"])
    content = json.loads((dataset / "manifest.json").read_bytes())

    def read(data: bytes) -> None:
        (dataset / name).write_bytes(data)
        content["files"][name] = {"bytes": len(data), "sha256": sha256_of(dataset / name)}
        (dataset / "manifest.json").write_bytes(to_json(seal(content)))
        Ledger.read(read_manifest(dataset))

    return Parser(read, files=[(dataset / name).read_bytes()])


def arrow_file(columns: Mapping[str, Any], metadata: Mapping[bytes, bytes]) -> bytes:
    """The bytes of an Arrow file."""
    table = pa.table(dict(columns)).replace_schema_metadata(metadata)
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _pack_plan() -> Parser:
    loaded = load(_dataset())
    split = loaded["train"]
    write_plan(loaded.manifest, "train", plan_packs(np.asarray(split.lengths), 900))
    path = plan_path(loaded.manifest.directory, "train", 900)

    def read(data: bytes) -> None:
        path.write_bytes(data)
        line = f"{sha256_of(path)}  {path.name}\n".encode()
        path.with_name(f"{path.name}.sha256").write_bytes(line)
        plan = read_plan(loaded, "train", 900)
        assert sorted(plan.rows.tolist()) == list(range(len(split)))

    return Parser(read, files=[path.read_bytes()])


def _journal() -> Parser:
    manifest = read_manifest(_dataset())
    folder = manifest.directory / "shards" / manifest["build"]
    path = folder / "journal.jsonl"

    def read(data: bytes) -> None:
        """Reads the lines without their digests, which are put before them."""
        lines = data.removesuffix(b"\n").split(b"\n")
        path.write_bytes(
            b"".join(
                xxhash.xxh3_64_hexdigest(line).encode() + b" " + line + b"\n" for line in lines
            )
        )
        is_whole_journal(folder, manifest["build"])
        for is_committed in (True, False):
            _use_blocks(
                EarlierBuild(
                    folder, [*manifest["splits"]], ["summarize/article@1.0.0"],
                    is_committed=is_committed,
                )
            )  # fmt: skip

    def encode(entries: Iterable[Any]) -> bytes:
        return b"".join(map(encode_line, entries))

    lines = path.read_bytes().splitlines()
    return Parser(read, [[orjson.loads(line.partition(b" ")[2]) for line in lines]], encode)


def _use_blocks(build: EarlierBuild) -> None:
    """Reads every block and shard that can be reused."""
    for key in list(build._locations):
        found = build.find_block(key)
        if found is not None:
            build.count_adjacent(found, key)
            build.load_run(found, 1)
            list(build.outlines_after(found))
    for split, key in list(build._whole):
        build.find_shards(split, key)


PARSERS: dict[str, Callable[[], Parser]] = {
    "manifest": _manifest,
    "ledger": _ledger,
    "pack-plan": _pack_plan,
    "journal": _journal,
}
