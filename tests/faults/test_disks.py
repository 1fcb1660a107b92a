"""Disks that are full or that limit a file: one message, the old data readable, the rerun works."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fault_scenarios import SCENARIOS
from support.fault_stage import MakeStage
from support.faults import COMPILER
from support.kills import files_of, make_rows, write_rows, write_spec
from support.loads import Load, Tally
from support.sized import build_with

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
QUICK = ("pack",)


def test_a_limit_of_file_size_is_one_message_and_the_same_command_goes_on(
    make_stage: MakeStage, tmp_path: Path, load: Load, tally: Tally
) -> None:
    for scenario in [s for s in SCENARIOS if not load.is_quick or s.name in QUICK]:
        stage = make_stage(scenario, tmp_path)
        rng = load.random(scenario.name)
        largest = max(p.stat().st_size for p in stage.root.rglob("*") if p.is_file())
        for _ in range(load.count(20, 1)):
            limit = int(2 ** rng.uniform(0, largest.bit_length()))
            tally.add(scenario.name, "file size limit", stage.try_file_limit(limit))
    tally.check()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_one_message_and_the_same_command_goes_on(
    make_stage: MakeStage, small_disk: Path, load: Load, tally: Tally
) -> None:
    """All but some bytes of a real disk are taken; a command needs more at some moment."""
    for scenario in [s for s in SCENARIOS if not load.is_quick or s.name in QUICK]:
        stage = make_stage(scenario, small_disk / "project")
        needed = stage.bytes_written()
        rng = load.random(scenario.name)
        for _ in range(load.count(20, 1)):
            room = rng.randrange(0, needed, 4096) if needed > 4096 else 0
            tally.add(scenario.name, "full disk", stage.try_full_disk(small_disk, room))
        shutil.rmtree(small_disk / "project")
    tally.check()


def test_without_hard_links_a_rebuild_copies(
    tmp_path: Path, byte_tokenizer: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on vfat and exfat: `link` is refused with EPERM."""
    build = build_with(read_bytes=12 << 10, chunk_bytes=1 << 10, batch_rows=32,
                       min_shard_bytes=8 << 10, shard_tokens=16 << 10)  # fmt: skip
    rows = make_rows(160, 1, words=12)
    data = write_rows(tmp_path / "rows.jsonl", rows)
    spec = write_spec(tmp_path / "spec.toml", data, tokenizer=str(byte_tokenizer))
    build(spec=spec, out="out")
    write_rows(data, [*rows, *make_rows(9, 2, words=12)])
    build(spec=spec, out="expected")
    refused = []

    def refuse(source: object, target: object) -> None:
        refused.append(target)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("os.link", refuse)
    build(spec=spec, out="out")
    assert refused
    is_same = files_of(Path("out")) == files_of(Path("expected"))
    tally.add("rebuild", "no hard links", None if is_same else "other files")
    tally.check()
