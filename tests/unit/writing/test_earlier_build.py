"""An earlier build: blocks are found by key, damaged shards are not used, labels are renewed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forty_rows import build_rows, rows, write_spec

from sftdata.writing.earlier_build import EarlierBuild
from sftdata.writing.journal import KEY_BYTES, read_journal

SPLITS = ["train", "validation", "test"]


@pytest.fixture
def folder(byte_tokenizer: Path) -> Path:
    """The shards of a build of forty rows."""
    write_spec(byte_tokenizer)
    manifest = build_rows(rows()).manifest
    return Path("out/shards", manifest["build"])


def opened(folder: Path, label: str = "summarize/article@1.0.0") -> EarlierBuild:
    return EarlierBuild(folder, SPLITS, [label], is_committed=True)


def keys_in(folder: Path) -> list[bytes]:
    joined = b"".join(line.keys for line in read_journal(folder).blocks)
    return [joined[at : at + KEY_BYTES] for at in range(0, len(joined), KEY_BYTES)]


def row_ids(build: EarlierBuild, key: bytes) -> list[str]:
    location = build.find_block(key)
    assert location is not None
    run = build.load_run(location, 1)
    return [
        row_id
        for split in run.slices
        for part in split
        for row_id in part.batch.slice(part.start, part.rows).column("row_id").to_pylist()
    ]


def test_the_blocks_together_hold_every_row_once(folder: Path) -> None:
    build, keys = opened(folder), keys_in(folder)
    assert len(keys) > 3
    found = [row_id for key in keys for row_id in row_ids(build, key)]
    assert sorted(found) == sorted(row["id"] for row in rows())


def test_an_unknown_key_is_not_found(folder: Path) -> None:
    assert opened(folder).find_block(b"\0" * KEY_BYTES) is None


def test_neighbours_are_found_in_one_step(folder: Path) -> None:
    build = opened(folder)
    line = max(read_journal(folder).blocks, key=lambda line: len(line.keys))
    location = build.find_block(line.keys[:KEY_BYTES])
    assert location is not None
    assert build.count_adjacent(location, line.keys) == len(line.keys) // KEY_BYTES
    changed = line.keys[:KEY_BYTES] + b"\0" * KEY_BYTES
    assert build.count_adjacent(location, changed) == 1


def test_no_block_of_a_damaged_shard_is_found(folder: Path) -> None:
    path = next(folder.glob("train-*.arrow"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    build = opened(folder)
    # Every line of this small build has rows in the train split.
    assert [build.find_block(key) for key in keys_in(folder)] == [None] * len(keys_in(folder))


def test_rows_take_the_label_of_the_latest_release(folder: Path) -> None:
    label = "summarize/article@1.0.1"
    build = opened(folder, label)
    location = build.find_block(keys_in(folder)[0])
    assert location is not None
    parts = [part for split in build.load_run(location, 1).slices for part in split]
    assert {name for part in parts for name in part.batch.column("template").to_pylist()} == {label}
