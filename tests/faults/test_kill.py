"""A build that is killed at any moment: the old dataset stands, and the same command goes on."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.kills import (
    Forker,
    change_rows,
    digests_of,
    files_of,
    forker,
    make_rows,
    manifest_of,
    write_rows,
    write_spec,
)
from support.loads import Load, Tally

from sftdata.inspecting.verify import find_faults
from sftdata.writing.journal import read_journal

SPLITS = ("train", "validation", "test")
LAST = 40  # the file operations around the commit, all of which are tried


@dataclass(frozen=True)
class Stage:
    """Two specs over other data, and what undisturbed builds make of them."""

    forker: Forker
    folder: Path
    old_spec: Path
    new_spec: Path
    old: dict[str, Any]  # manifests
    new: dict[str, Any]
    old_files: dict[str, str]
    new_files: dict[str, str]
    first_seconds: float
    rebuild_seconds: float
    first_operations: int
    rebuild_operations: int

    def fresh_out(self, with_old: bool) -> Path:
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        if with_old:
            shutil.copytree(self.folder / "old", out)
        return out

    def check_after_kill(self, out: Path, with_old: bool) -> bool:
        """The dataset is the old one (or none) or the new one; whether it is the new one."""
        found = manifest_of(out)
        assert found in ((self.old if with_old else None), self.new)
        return found == self.new

    def check_rerun(self, out: Path) -> int:
        """The same command gives what an undisturbed build gives; the rows it did not redo."""
        run = self.forker.run(self.new_spec, out)
        assert run.error is None
        assert run.outcome is not None
        manifest = manifest_of(out)
        assert manifest is not None
        assert digests_of(manifest) == digests_of(self.new)
        assert manifest == self.new
        assert files_of(out) == self.new_files  # and nothing is left over
        return int(run.outcome["reused_rows"])


def set_stage(
    folder: Path, process: Forker, rows: int, words: int, tokenizer: str, max_length: int
) -> Stage:
    sources: dict[str, list[Path]] = {"old-spec": [], "new-spec": []}
    for ids in (True, False):
        old_rows = make_rows(rows // 2, 1 + ids, words, ids)
        new_rows = change_rows(old_rows, 5 + ids, words, ids)
        for name, made in (("old-spec", old_rows), ("new-spec", new_rows)):
            sources[name].append(write_rows(folder / f"{name}-{ids}.jsonl", made))
    specs = {
        name: write_spec(
            folder / f"{name}.toml", *paths, tokenizer=tokenizer, max_length=max_length
        )
        for name, paths in sources.items()
    }
    process.run(specs["old-spec"], folder / "old")  # the first one of all warms the disk cache
    first = process.run(specs["new-spec"], folder / "new")
    counted_first = process.run(specs["new-spec"], folder / "counted", count=True)
    shutil.copytree(folder / "old", folder / "rebuilt")
    rebuild = process.run(specs["new-spec"], folder / "rebuilt")
    shutil.copytree(folder / "old", folder / "counted-rebuilt")
    counted_rebuild = process.run(specs["new-spec"], folder / "counted-rebuilt", count=True)
    for run in (first, rebuild, counted_first, counted_rebuild):
        assert run.error is None
    old, new = manifest_of(folder / "old"), manifest_of(folder / "new")
    assert old is not None
    assert new is not None
    for name in ("counted", "rebuilt", "counted-rebuilt"):
        assert files_of(folder / name) == files_of(folder / "new")
    # The data has every fate a row can meet, or the kills would prove less than they seem to.
    assert {"duplicate", "empty_field"} <= set(new["dropped"])
    assert new["cut"] > 0
    return Stage(
        forker=process,
        folder=folder,
        old_spec=specs["old-spec"],
        new_spec=specs["new-spec"],
        old=old,
        new=new,
        old_files=files_of(folder / "old"),
        new_files=files_of(folder / "new"),
        first_seconds=first.seconds,
        rebuild_seconds=rebuild.seconds,
        first_operations=counted_first.operations,
        rebuild_operations=counted_rebuild.operations,
    )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Some megabytes over many pieces, batches and shards."""
    folder = tmp_path_factory.mktemp("kills")
    sizes = {"read_bytes": 128 << 10, "batch_rows": 64, "min_shard_bytes": 128 << 10}
    with forker(**sizes, shard_tokens=1 << 18) as process:
        yield set_stage(folder, process, 2500, 80, "tokenizers/small", 900)


@pytest.fixture(scope="module")
def small_stage(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Iterator[Stage]:
    """As little data as has several pieces, batches and shards."""
    folder = tmp_path_factory.mktemp("kill-points")
    sizes = {"read_bytes": 12 << 10, "chunk_bytes": 1 << 10, "batch_rows": 32}
    sizes["min_shard_bytes"] = 8 << 10
    with forker(**sizes, shard_tokens=16 << 10) as process:
        yield set_stage(folder, process, 160, 12, str(byte_tokenizer), 450)


def test_the_undisturbed_data_set_is_whole_in_every_row(stage: Stage) -> None:
    assert find_faults(stage.folder / "new", deep=True) == []
    assert len(stage.new["splits"]["train"]["shards"]) > 2
    assert stage.old["build"] != stage.new["build"]


@pytest.mark.parametrize("with_old", [False, True], ids=["first build", "rebuild"])
def test_a_build_killed_at_any_time_is_resumed_by_the_same_command(
    stage: Stage, with_old: bool, load: Load, tally: Tally
) -> None:
    """And nearly all rows that were finished at the last kill are reused."""
    kind = "rebuild" if with_old else "first build"
    rng = load.random(kind)
    whole = stage.rebuild_seconds if with_old else stage.first_seconds
    kills = 0
    wanted = load.count(300, 8)
    while kills < wanted:
        out = stage.fresh_out(with_old)
        before = kills
        for _ in range(rng.choice((1, 1, 2, 3))):  # also a resumed build may be killed
            run = stage.forker.run(stage.new_spec, out, kill_after=rng.uniform(0, whole))
            assert run.error is None
            kills += run.killed
            stage.check_after_kill(out, with_old)
        homes = out.glob("shards/*")
        finished = max((finished_rows(h) for h in homes if h.name != stage.old["build"]), default=0)
        kept = stage.check_rerun(out)
        for _ in range(kills - before):
            tally.add(kind, "kill -9")
        if finished:
            problem = f"{kept} of {finished} rows" if kept < 0.9 * finished else None
            tally.add(kind, "90 % of the finished rows reused", problem)
    tally.check()


def finished_rows(folder: Path) -> int:
    """Source rows whose examples a killed build has on disk, made by a checked engine."""
    journal = read_journal(folder)
    if not journal.is_checked:
        return 0
    written = dict.fromkeys(SPLITS, 0)
    for (split, _), progress in journal.progress.items():
        written[split] += progress.rows
    rows, done = np.zeros(len(SPLITS), np.int64), 0
    for line in journal.blocks:
        blocks = line.blocks
        for made, read in zip(blocks.rows, blocks.rows_in.tolist(), strict=True):
            rows += made
            if (rows <= list(written.values())).all():
                done += read
    return done


@pytest.mark.parametrize("with_old", [False, True], ids=["first build", "rebuild"])
def test_a_build_killed_at_any_file_operation_is_resumed_by_the_same_command(
    small_stage: Stage, with_old: bool, load: Load, tally: Tally
) -> None:
    stage = small_stage
    kind = f"{'rebuild' if with_old else 'first build'} of many shards"
    total = stage.rebuild_operations if with_old else stage.first_operations
    points = list(range(1, total + 1))
    if load.is_quick:
        points = [*load.choose(points[:-LAST], 6, kind), *points[-LAST:]]
    else:
        points = load.choose(points, 0, kind)
    for point in points:
        out = stage.fresh_out(with_old)
        run = stage.forker.run(stage.new_spec, out, kill_at=point)
        assert run.killed
        problem = None
        try:
            stage.check_after_kill(out, with_old)
            stage.check_rerun(out)
        except AssertionError as error:
            problem = f"operation {point} of {total}: {error}"
        tally.add(kind, "kill -9 at a write", problem)
    tally.check()


def test_finished_blocks_are_not_redone_after_a_kill(small_stage: Stage) -> None:
    stage = small_stage
    reused = []
    # A cache that is warmer than when they were counted leaves some operations out.
    before_commit = stage.first_operations - LAST - 6
    for point in (10 + (before_commit - 10) * part // 5 for part in range(6)):
        out = stage.fresh_out(with_old=False)
        assert stage.forker.run(stage.new_spec, out, kill_at=point).killed
        assert not (out / "manifest.json").exists()
        # On a busy machine the engine's check may end late; before that nothing counts as done.
        is_checked = all(read_journal(home).is_checked for home in (out / "shards").iterdir())
        kept = stage.check_rerun(out)
        if is_checked:
            reused.append(kept)
    assert reused == sorted(reused)  # the later the kill, the more is kept
    # Near the end all is kept but the chunks with repeated rows, which cannot stand for themselves.
    assert reused[-1] > 0.5 * stage.new["rows_in"]


def test_a_kill_late_in_a_build_keeps_the_rows_also_where_a_split_is_rare(
    small_stage: Stage, tmp_path: Path
) -> None:
    """A split that gets few rows writes its first record batch late; the other rows are done."""
    stage = small_stage
    text = stage.new_spec.read_text() + "[split]\ntrain = 0.98\nvalidation = 0.02\n"
    spec = tmp_path / "rare.toml"
    spec.write_text(text)
    counted = stage.forker.run(spec, tmp_path / "whole", count=True)
    whole = manifest_of(tmp_path / "whole")
    assert whole is not None
    assert whole["splits"]["validation"]["shards"][0]["rows"] < 32  # less than one batch
    run = stage.forker.run(spec, tmp_path / "out", kill_at=counted.operations * 3 // 4)
    assert run.killed
    assert not (tmp_path / "out" / "manifest.json").exists()
    done = 0
    for path in (tmp_path / "out").glob("shards/*/journal.jsonl"):
        lines = path.read_text().splitlines(keepends=True)
        whole_lines = [line for line in lines if line.endswith("\n")]  # the last may be torn
        entries = [json.loads(line.partition(" ")[2]) for line in whole_lines]
        done = max([done, *(e["written"][1] for e in entries if "written" in e)])
    assert done > 0  # rows that were on disk
    again = stage.forker.run(spec, tmp_path / "out")
    assert again.outcome is not None
    assert again.outcome["reused_rows"] >= whole["rows_in"] // 4
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_after_many_kills_in_a_row_nothing_is_left_over(small_stage: Stage) -> None:
    stage = small_stage
    rng = random.Random(4)
    out = stage.fresh_out(with_old=True)
    for _ in range(15):
        run = stage.forker.run(stage.new_spec, out, kill_at=rng.randint(5, 60))
        assert run.error is None
        stage.check_after_kill(out, with_old=True)
    stage.check_rerun(out)


def test_a_killed_build_of_other_data_leaves_nothing_behind(small_stage: Stage) -> None:
    """The killed command is never run again; a build with the old data clears its traces."""
    stage = small_stage
    out = stage.fresh_out(with_old=False)
    stage.forker.run(stage.new_spec, out, kill_at=stage.first_operations // 2)
    run = stage.forker.run(stage.old_spec, out)
    assert run.error is None
    assert manifest_of(out) == stage.old
    assert files_of(out) == stage.old_files
