"""Whole datasets: their splits, their drops, their size in memory, and `datasets` reading them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from support.manifests import shard_paths

from sftdata.building.build import Outcome, build
from sftdata.errors import GoldenSetError
from sftdata.loading.dataset import load

ROWS = [
    {"id": f"r{i}", "article": f"Article {i}.", "summary": f"S {i}.", "by": f"author {i % 20}"}
    for i in range(400)
]
SPEC = """
task = "news"
data = ["rows.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
{extra}
[fields]
id = "id"
article = "article"
summary = "summary"
"""


def write(rows: Sequence[dict[str, Any]], name: str = "rows.jsonl") -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(out: str = "out", **options: Any) -> Outcome:
    return build("summarize", data="rows.jsonl", out=out, **options)


def splits(out: str = "out") -> dict[str, str]:
    """The split of each row id."""
    return {example.row_id: name for name, split in load(out).items() for example in split}


# --- splits --------------------------------------------------------------------------------------


def test_splits_have_about_their_shares() -> None:
    write(ROWS)
    run()
    names = list(splits().values())
    assert names.count("train") == pytest.approx(320, abs=30)
    assert names.count("validation") == pytest.approx(40, abs=20)
    assert names.count("test") == pytest.approx(40, abs=20)


def test_order_neighbours_and_added_rows_move_no_row_to_another_split() -> None:
    write(ROWS)
    run("all")
    before = splits("all")
    for name, rows in {
        "turned": ROWS[::-1],
        "some": ROWS[::3],
        "more": [{"id": "new", "article": "a", "summary": "b"}, *ROWS],
        "edited": [row | {"article": "another text"} for row in ROWS],
    }.items():
        write(rows)
        run(name)
        after = splits(name)
        after.pop("new", None)
        assert after == {row_id: before[row_id] for row_id in after}, name
        assert len(after) == len([row for row in rows if row["id"] != "new"])


def test_another_seed_gives_other_splits() -> None:
    write(ROWS)
    run("zero", seed=0)
    run("one", seed=1)
    zero = splits("zero")
    moved = sum(zero[row_id] != name for row_id, name in splits("one").items())
    assert moved == pytest.approx(0.34 * 400, abs=50)


def test_rows_of_a_group_stay_together() -> None:
    write(ROWS)
    Path("spec.toml").write_text(SPEC.format(extra='group = "by"'))
    build(spec="spec.toml", out="out")
    found = splits()
    of_author: dict[str, set[str]] = {}
    for row in ROWS:
        of_author.setdefault(row["by"], set()).add(found[row["id"]])
    assert all(len(names) == 1 for names in of_author.values())
    assert len(set(found.values())) > 1


def test_the_shares_of_the_spec_are_used() -> None:
    write(ROWS)
    Path("spec.toml").write_text(SPEC.format(extra="") + "[split]\nlearn = 0.5\nhold_out = 0.5\n")
    build(spec="spec.toml", out="out")
    assert list(load("out")) == ["learn", "hold_out"]
    assert len(load("out")["learn"]) == pytest.approx(200, abs=40)


# --- max_dropped ---------------------------------------------------------------------------------


def with_bad(number: int) -> list[dict[str, Any]]:
    return [row | {"article": ""} if i < number else row for i, row in enumerate(ROWS[:100])]


def test_as_many_drops_as_allowed_are_no_error() -> None:
    write(with_bad(5))
    outcome = run(max_dropped=5)
    assert outcome.manifest["dropped"] == {"empty_field": 5}
    assert outcome.manifest["rows_out"] == 95


def test_more_drops_than_allowed_commit_nothing_and_name_the_first_place() -> None:
    write(with_bad(0))
    run()
    before = Path("out/manifest.json").read_bytes()
    rows = load("out")["train"]
    write(with_bad(5)[::-1])
    with pytest.raises(GoldenSetError) as caught:
        run(max_dropped=4.9)
    message = str(caught.value)
    assert message.startswith("5 of 100 rows (5 %)")
    assert "\n5 empty_field, such as rows.jsonl:96: 'article' is empty (row 'r4')\n" in message
    assert "at most 4.9 %" in message
    assert message.endswith("--max-dropped 5")
    assert Path("out/manifest.json").read_bytes() == before
    assert [e.input_ids.tolist() for e in load("out")["train"]] == [
        e.input_ids.tolist() for e in rows
    ]


def test_when_no_row_can_be_used_no_limit_is_suggested() -> None:
    write(with_bad(100))
    with pytest.raises(GoldenSetError) as caught:
        run(max_dropped=100)
    assert "100 of 100 rows (100 %)" in str(caught.value)
    assert "--max-dropped" not in str(caught.value)
    assert not Path("out/manifest.json").exists()


def test_a_fault_is_repaired_by_the_same_command() -> None:
    write(with_bad(5))
    with pytest.raises(GoldenSetError):
        run()
    write(with_bad(0))
    assert run().manifest["rows_out"] == 100


def test_a_manifest_that_cannot_be_used_does_not_stop_a_build() -> None:
    write(ROWS[:20])
    run()
    for text in ("", "{", '{"version": 1}', '{"version": "x"}', '{"version": 1, "build": "b"}'):
        Path("out/manifest.json").write_text(text)
        assert run().manifest["rows_out"] == 20


# --- `datasets` ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("datasets")
    write(ROWS, str(folder / "rows.jsonl"))
    build("summarize", data=folder / "rows.jsonl", out=folder / "out")
    return folder / "out"


def same_rows(found: Any, split: Any) -> bool:
    return [(r["row_id"], r["input_ids"], r["label_mask"], r["target_start"]) for r in found] == [
        (e.row_id, e.input_ids.tolist(), e.label_mask.tolist(), e.target_start) for e in split
    ]


def test_the_shards_load_as_arrow_files(built: Path, tmp_path: Path) -> None:
    data = load(built)
    files = [str(path) for path in shard_paths(data.manifest) if path.name.startswith("train-")]
    found = datasets.load_dataset(
        "arrow", data_files=files, split="train", cache_dir=str(tmp_path / "cache")
    )
    assert same_rows(found, data["train"])


def test_the_folder_loads_as_a_data_set_with_its_splits(built: Path, tmp_path: Path) -> None:
    found = datasets.load_dataset(str(built), cache_dir=str(tmp_path / "cache"))
    assert list(found) == ["train", "validation", "test"]
    for name, split in load(built).items():
        assert same_rows(found[name], split)


@pytest.mark.parametrize("name", ["no", "null", "on", "1", "0x1"])
def test_a_split_name_that_yaml_would_take_for_something_else_loads_too(
    name: str, tmp_path: Path
) -> None:
    write(ROWS[:20])
    Path("spec.toml").write_text(SPEC.format(extra="") + f"[split]\n{name} = 1\n")
    build(spec="spec.toml", out="out")
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(found) == [name]


# --- memory --------------------------------------------------------------------------------------

# Not ru_maxrss: a process inherits that of the process that started it.
_MEASURED = """
import re, pathlib
from sftdata.building.build import build
rows = build("summarize", data="big.jsonl", out="out").manifest["rows_out"]
print(rows, re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_file_of_sixty_megabytes_is_built_in_bounded_memory() -> None:
    words = [f"word{i % 7919}" for i in range(20_000)]
    with Path("big.jsonl").open("w") as file:
        for i in range(12_000):
            article = " ".join(words[i % 10_000 : i % 10_000 + 550])
            file.write(f'{{"id": "r{i}", "article": "{article}", "summary": "S {i}."}}\n')
    assert Path("big.jsonl").stat().st_size > 55_000_000
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED], capture_output=True, text=True, check=True
    )
    rows, kilobytes = map(int, done.stdout.split())
    assert rows == 12_000
    assert kilobytes < 700_000
