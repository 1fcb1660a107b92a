"""Builds of other kinds that are killed: mixtures, several templates, shots, chat."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.kills import (
    change_rows,
    files_of,
    forker,
    make_rows,
    manifest_of,
    write_rows,
)
from support.loads import Load, Tally

SPEC = """
task = "{task}"
data = ["{data}"]
templates = [{templates}]
tokenizer = "tokenizers/small"
max_length = {max_length}
max_dropped = 10
{extra}
[fields]
id = "id"
{fields}
"""
MIXTURE = """
task = "mixed"
tokenizer = "tokenizers/small"
[mixture]
by = "target_tokens"
temperature = 2
[[sources]]
spec = "one.toml"
cap = 300
weight = 2
[[sources]]
spec = "two.toml"
weight = 3
"""
KINDS = {"one.toml": "three templates with shots", "mixture.toml": "mixture"}
SUMMARIZE = 'article = "article"\nsummary = "summary"'
GRAMMAR = 'text = "article"\ncorrected = "summary"'
SHOTS = "shots = [0, 2]"
THREE = '"summarize/article", {id = "summarize/question", weight = 2}, "summarize/style"'


def write_specs(
    folder: Path, rows: dict[str, list[dict[str, str]]], max_length: int, extra: str = SHOTS
) -> None:
    for name, (task, templates, fields) in {
        "one": ("summarize", THREE, SUMMARIZE),
        "two": ("grammar", '"grammar/plain"', GRAMMAR),
    }.items():
        # A part that is up to date names its rows as they were called when it was built.
        home = folder if name == "one" else folder.parent
        data = write_rows(home / f"{name}.jsonl", rows[name])
        text = SPEC.format(
            task=task, data=data, templates=templates, max_length=max_length,
            fields=fields, extra=extra,
        )  # fmt: skip
        (folder / f"{name}.toml").write_text(text)
    (folder / "mixture.toml").write_text(MIXTURE)


@pytest.mark.parametrize("spec", KINDS)
def test_a_kill_leaves_the_old_or_the_new_data_set_and_the_rerun_equals_it(
    spec: str, tmp_path: Path, load: Load, tally: Tally
) -> None:
    old, new = tmp_path / "old-spec", tmp_path / "new-spec"
    rows = {name: make_rows(400, seed, words=20) for seed, name in enumerate(("one", "two"))}
    changed = {"one": change_rows(rows["one"], 9, words=20), "two": rows["two"]}
    for folder, golden in ((old, rows), (new, changed)):
        folder.mkdir()
        write_specs(folder, golden, 400)
    rng = load.random(spec)
    sizes = {"read_bytes": 32 << 10, "chunk_bytes": 2 << 10, "batch_rows": 64}
    sizes["min_shard_bytes"] = 16 << 10
    with forker(**sizes, shard_tokens=30_000) as process:
        assert process.run(old / spec, tmp_path / "before").error is None
        before = manifest_of(tmp_path / "before")
        undisturbed = {}
        assert process.run(new / spec, tmp_path / "first").error is None  # remembers the spec
        for with_old in (False, True):
            out = tmp_path / f"whole-{with_old}"
            if with_old:
                shutil.copytree(tmp_path / "before", out)
            undisturbed[with_old] = process.run(new / spec, out, count=True)
            assert undisturbed[with_old].error is None
        after = manifest_of(tmp_path / "whole-False")
        assert after is not None
        whole = files_of(tmp_path / "whole-False")
        assert files_of(tmp_path / "whole-True") == whole
        assert before != after
        for number in range(load.count(600, 12)):
            with_old, is_timed = bool(number % 2), bool(number // 2 % 2)
            out = tmp_path / "out"
            shutil.rmtree(out, ignore_errors=True)
            if with_old:
                shutil.copytree(tmp_path / "before", out)
            usual = undisturbed[with_old]
            if is_timed:
                moment: dict[str, Any] = {"kill_after": rng.uniform(0, usual.seconds)}
            else:
                moment = {"kill_at": rng.randint(1, usual.operations)}
            run = process.run(new / spec, out, **moment)
            found = manifest_of(out)
            assert found in ((before if with_old else None), after), moment
            again = process.run(new / spec, out)
            assert again.error is None
            assert manifest_of(out) == after, moment
            assert files_of(out) == whole, moment
            if run.killed:
                tally.add(KINDS[spec], "kill -9" if is_timed else "kill -9 at a write")
    tally.check()


def test_the_number_of_workers_and_the_place_do_not_show(tmp_path: Path) -> None:
    from sftdata import build

    rows = {name: make_rows(400, seed, words=20) for seed, name in enumerate(("one", "two"))}
    write_specs(tmp_path, rows, 400)
    made: list[Any] = []
    for workers in (1, 2, 3):
        outcome = build(spec=tmp_path / "mixture.toml", out=f"out-{workers}", workers=workers)
        made.append(files_of(outcome.manifest.directory))
    assert made[0] == made[1] == made[2]


def test_rows_added_to_one_source_leave_the_other_as_it_is(tmp_path: Path) -> None:
    from sftdata import build

    rows = {name: make_rows(400, seed, words=20) for seed, name in enumerate(("one", "two"))}
    write_specs(tmp_path, rows, 400, extra="")
    first = build(spec=tmp_path / "mixture.toml", out="out").manifest
    untouched = files_of(Path("out/parts/two"))
    order = order_of("out")
    rows["one"] = rows["one"] + make_rows(50, 77, words=20)
    write_specs(tmp_path, rows, 400, extra="")
    outcome = build(spec=tmp_path / "mixture.toml", out="out")
    assert outcome.manifest["build"] != first["build"]
    assert files_of(Path("out/parts/two")) == untouched
    assert outcome.reused_rows > 400  # all of the second, most of the first
    fresh = build(spec=tmp_path / "mixture.toml", out="fresh").manifest
    assert outcome.manifest.content == fresh.content
    # Rows that were there keep their order; the new ones stand between them.
    kept = set(order) & set(order_of("out"))
    again = [row for row in order_of("out") if row in kept]
    assert [row for row in order if row in kept] == again


def order_of(out: str) -> list[tuple[str, int]]:
    """The rows of the training split in order, each with how often it stood before."""
    from sftdata import load

    seen: dict[str, int] = {}
    found = []
    for row_id in load(out)["train"].to_arrow().column("row_id").to_pylist():
        seen[row_id] = seen.get(row_id, -1) + 1
        found.append((row_id, seen[row_id]))
    return found
