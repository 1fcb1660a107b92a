"""Shards that a change does not concern: the same files after a rebuild, and never wrong ones."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.sized import build_with

from sftdata import Outcome
from sftdata.base import cache as remembered
from sftdata.inspecting.verify import find_faults
from sftdata.writing import build_folder as folder
from sftdata.writing import shards
from sftdata.writing.ledger import read_ledger

ROWS = 6000
SPEC = """
task = "mixed"
data = ["rows.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
max_length = 180
{extra}
[fields]
article = "article"
summary = "summary"
"""

Row = dict[str, Any]


def make_rows() -> list[Row]:
    """Rows of which one in a hundred repeats an earlier one."""
    rng = random.Random(11)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 8))) for _ in range(500)]
    rows: list[Row] = []
    for i in range(ROWS):
        article = " ".join(rng.choices(words, k=18))
        rows.append({"article": article, "summary": f"Number {i}: {article[:20]}"})
        if i % 100 == 50:
            rows[-1] = rows[i // 2]
    return rows


def write(rows: list[Row]) -> None:
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


SMALL = {
    "read_bytes": 100_000,
    "chunk_bytes": 2 << 10,
    "batch_rows": 64,
    "min_shard_bytes": 32 << 10,
}
build = build_with(**SMALL)


@pytest.fixture
def rows() -> list[Row]:
    """Built as `out`, in many small pieces and shards."""
    Path("spec.toml").write_text(SPEC.format(extra=""))
    rows = make_rows()
    write(rows)
    build(spec="spec.toml", out="out")
    return rows


def files(out: str = "out") -> dict[str, tuple[int, int]]:
    """Inode and time of change of each shard, by its digest."""
    manifest = json.loads(Path(out, "manifest.json").read_bytes())
    listed = [s for split in manifest["splits"].values() for s in split["shards"]]
    status = {shard["sha256"]: Path(out, shard["path"]).stat() for shard in listed}
    return {digest: (s.st_ino, s.st_mtime_ns) for digest, s in status.items()}


def assert_as_fresh(outcome: Outcome, build: Callable[..., Outcome] = build) -> None:
    fresh = build(spec="spec.toml", out="fresh").manifest
    assert outcome.manifest.content == fresh.content
    assert read_ledger(outcome.manifest).to_pylist() == read_ledger(fresh).to_pylist()
    assert find_faults(outcome.manifest.directory) == []


def edited(row: Row) -> Row:
    return dict(row, article=f"{row['article']} and more")


CHANGES: dict[str, Callable[[list[Row]], list[Row]]] = {
    "one is edited": lambda rows: [*rows[:3000], edited(rows[3000]), *rows[3001:]],
    "one is put first": lambda rows: [edited(rows[7]), *rows],
    "one is taken out": lambda rows: rows[:3000] + rows[3001:],
    "some are appended": lambda rows: [*rows, *map(edited, rows[:20])],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_all_but_the_shards_around_a_change_are_the_same_files(
    change: Callable[[list[Row]], list[Row]], rows: list[Row]
) -> None:
    before = files()
    assert len(before) > 30
    write(change(rows))
    outcome = build(spec="spec.toml", out="out")
    after = files()
    same = sum(before.get(digest) == file for digest, file in after.items())
    assert same >= len(after) - 4
    assert same < len(after)
    assert_as_fresh(outcome)


def test_a_row_that_is_no_longer_a_repeat_comes_back(rows: list[Row]) -> None:
    """The block that it was left out of does not change, and still has to be made again."""
    repeated = next(i for i in range(1000, ROWS) if rows[i] in rows[:i])
    first = rows.index(rows[repeated])
    write([edited(row) if i == first else row for i, row in enumerate(rows)])
    outcome = build(spec="spec.toml", out="out")
    assert outcome.reused_rows > 0.9 * ROWS
    assert_as_fresh(outcome)


def test_rows_that_stand_twice_as_a_whole_cost_no_shard(rows: list[Row]) -> None:
    """The chunks of the second half are those of the first."""
    write([*rows, *rows])
    build(spec="spec.toml", out="out", max_dropped=60)
    before = files()
    write([*rows, *rows, edited(rows[0])])
    outcome = build(spec="spec.toml", out="out", max_dropped=60)
    after = files()
    assert sum(before.get(digest) == file for digest, file in after.items()) >= len(after) - 3
    fresh = build(spec="spec.toml", out="fresh", max_dropped=60).manifest
    assert outcome.manifest.content == fresh.content


def test_another_row_of_a_block_that_had_a_repeat_becomes_one(rows: list[Row]) -> None:
    repeated = next(i for i in range(1000, ROWS) if rows[i] in rows[:i])
    write([rows[repeated + 1], *rows])
    assert_as_fresh(build(spec="spec.toml", out="out"))


def test_chains_of_rebuilds_go_on_taking_shards_over(rows: list[Row]) -> None:
    before = files()
    for place in (1000, 3000, 5000):
        rows = [*rows[:place], edited(rows[place]), *rows[place + 1 :]]
        write(rows)
        outcome = build(spec="spec.toml", out="out")
    assert sum(before.get(digest) == file for digest, file in files().items()) > 20
    assert_as_fresh(outcome)


@pytest.mark.parametrize("killed", [True, False])
def test_what_a_killed_build_left_is_put_on_disk_before_it_counts(
    killed: bool, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(shards, "sync", synced.append)
    if killed:
        (home,) = Path("out/shards").iterdir()
        shutil.copytree(home, Path("new/shards", folder.UNFINISHED))
        shutil.copy("out/.lock", "new/.lock")
    write([*rows, edited(rows[0])])
    outcome = build(spec="spec.toml", out="new" if killed else "out")
    assert len(synced) >= 30 if killed else not synced
    assert_as_fresh(outcome)


def test_without_hard_links_the_shards_are_copied(
    rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Any) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(os, "link", refuse)
    write([edited(rows[0]), *rows])
    outcome = build(spec="spec.toml", out="out")
    assert outcome.reused_rows > 0.95 * ROWS
    assert_as_fresh(outcome)


def test_rows_with_the_same_ids_in_other_case_are_another_shard(rows: list[Row]) -> None:
    """To the check of repeats they say the same. Both are there, one left by a killed build."""
    whole = dict.fromkeys(("min_shard_bytes", "chunk_bytes", "max_chunk_bytes"), 1 << 27)
    build = build_with(**SMALL | whole)  # all rows in one, whatever they say
    Path("spec.toml").write_text(SPEC.format(extra="") + 'id = "id"\n')
    lower = [dict(row, id=f"{i}") for i, row in enumerate(rows)]
    write(lower)
    build(spec="spec.toml", out="lower")
    write([dict(row, article=row["article"].upper()) for row in lower])
    build(spec="spec.toml", out="out")
    (killed,) = Path("lower/shards").iterdir()
    shutil.copytree(killed, Path("out/shards", folder.UNFINISHED))
    write(lower)
    outcome = build(spec="spec.toml", out="out")
    assert outcome.reused_rows > 0.9 * ROWS
    assert_as_fresh(outcome, build)


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("damage", ["a bit", "an end", "a cut", "a loss"])
def test_a_damaged_shard_is_not_taken_over(
    damage: str, remembers: bool, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    if remembers:
        monkeypatch.setattr(remembered, "_MIN_BYTES", 0)
        build(spec="spec.toml", out="out")
        assert remembered.unchanged_files(Path("out"))
    shard = sorted(Path("out").glob("shards/*/train-*.arrow"))[5]
    data = bytearray(shard.read_bytes())
    if damage == "a bit":
        data[len(data) // 2] ^= 1
    shard.write_bytes({"an end": data + b"x", "a cut": data[:-1]}.get(damage, data))
    if damage == "a loss":
        shard.unlink()
    write([*rows, edited(rows[0])])
    assert_as_fresh(build(spec="spec.toml", out="out"))


def test_where_shards_end_depends_on_the_rows_and_not_on_the_reads(rows: list[Row]) -> None:
    before = files()
    build_with(**SMALL | {"read_bytes": 33_333})(spec="spec.toml", out="other")
    assert files("other").keys() == before.keys()


def test_shards_grow_with_the_rows_before_them() -> None:
    build = build_with(
        min_shard_bytes=1 << 10, max_shard_bytes=8 << 10, shard_share=16, chunk_bytes=256
    )
    Path("spec.toml").write_text(SPEC.format(extra="split = { train = 1 }"))
    write(make_rows())
    manifest = build(spec="spec.toml", out="out").manifest
    sizes = [shard["bytes"] for shard in manifest["splits"]["train"]["shards"]]
    assert len(sizes) > 60
    assert sum(sizes[-10:]) > 3 * sum(sizes[:10])
