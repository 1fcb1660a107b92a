"""Flipped bits: `verify` names the file, no reader is fooled, no result depends on the cache."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import CommandServer, command_server
from support.damage import KINDS, READERS, Damaged, build_whole, checked_files, flip, kind_of
from support.fault_scenarios import ADAPTER, BUILD, RELEASED, Scenario
from support.fault_stage import MakeStage
from support.faults import COMPILER
from support.loads import Load, Tally

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    with command_server() as started:
        yield started


@pytest.mark.parametrize("kind", KINDS)
def test_each_flipped_bit_is_found_and_no_reader_is_fooled(
    kind: str, server: CommandServer, load: Load, tally: Tally
) -> None:
    build_whole(kind, server)
    damaged, rng = Damaged(server), load.random(kind)
    files = checked_files(Path("whole"))
    for number in range(load.count(800, 20)):
        name = files[number % len(files)]
        problem = damaged.try_damage(name, flip(rng), rng.sample(READERS, 2))
        tally.add(f"{kind}: {kind_of(name)}", "a flipped bit", problem)
    tally.check()


@needs_compiler
def test_a_damaged_cache_never_changes_a_dataset(
    make_stage: MakeStage, tmp_path: Path, load: Load, tally: Tally
) -> None:
    scenario = Scenario("build", BUILD, before=[BUILD, "cache info"], edit=remove_out,
                        datasets=["out"])  # fmt: skip
    rng = load.random("cache")
    stage = make_stage(scenario, tmp_path / "stage")
    entries = sorted(p for p in (stage.root / "cache").rglob("*") if p.is_file())
    assert entries
    for number in range(load.count(200, 4)):
        name = entries[number % len(entries)].relative_to(stage.root)
        problem = stage.try_damage(name, flip(rng))
        tally.add(f"cache: {name.parts[2]}", "a flipped bit", problem)
    tally.check()


def remove_out(work: Path) -> None:
    shutil.rmtree(work / "out")


@needs_compiler
def test_a_damaged_template_lock_or_release_is_named_or_changes_nothing(
    make_stage: MakeStage, tmp_path: Path, load: Load, tally: Tally
) -> None:
    rng = load.random("lock")
    stage = make_stage(RELEASED, tmp_path / "stage")
    templates = stage.root / "work/templates"
    files = [templates / "templates.lock", *sorted(templates.rglob("*@*.jinja"))]
    for number in range(load.count(100, 4)):
        name = files[number % len(files)].relative_to(stage.root)
        problem = stage.try_damage(name, flip(rng), may_fail=True)
        tally.add("template lock and releases", "a flipped bit", problem)
    tally.check()


@needs_compiler
def test_a_damaged_adapter_is_named_by_the_audit(
    make_stage: MakeStage, tmp_path: Path, load: Load, tally: Tally
) -> None:
    if load.is_quick:
        pytest.skip("it loads torch; tests/train/test_audit.py tries some")
    rng = load.random("adapter")
    stage = make_stage(ADAPTER, tmp_path / "stage")
    adapter = stage.root / "work/adapter"
    files = [p for p in sorted(adapter.rglob("*")) if p.is_file() and p.suffix != ".md"]
    for number in range(load.count(100, 0)):
        name = files[number % len(files)].relative_to(stage.root)
        problem = stage.try_damage_of(name, flip(rng), "audit adapter")
        tally.add(f"adapter: {name.name}", "a flipped bit", problem)
    tally.check()
