"""Status: what has changed under a dataset, each kind by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.forty_rows import SPEC, rows, write_rows

from sftdata.building.build import build
from sftdata.building.status import Status, find_status, find_statuses, list_tasks
from sftdata.errors import SftdataError

MIXED = """
task = "mixed"
[[sources]]
spec = "made"
[[sources]]
name = "others"
spec = "made"
data = ["others.jsonl"]
"""


@pytest.fixture
def project(byte_tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one spec, which is built."""
    monkeypatch.chdir(tmp_path)
    Path("pipelines").mkdir()
    write_rows(rows())
    text = SPEC.replace('"rows.jsonl"', '"../rows.jsonl"')
    Path("pipelines/made.toml").write_text(text.replace("{tokenizer}", str(byte_tokenizer)))
    build("made")
    return tmp_path


def status(task: str = "made") -> Status:
    return next(status for status in find_statuses() if status.task == task)


def edit_spec(old: str, new: str) -> None:
    path = Path("pipelines/made.toml")
    path.write_text(path.read_text().replace(old, new))


def test_nothing_has_changed(project: Path) -> None:
    assert list_tasks() == ["made"]
    assert status() == Status("made", Path("data/made"), "up to date")


def test_a_spec_that_was_never_built_is_named(project: Path) -> None:
    edit = Path("pipelines/made.toml").read_text().replace('task = "made"', 'task = "new"')
    Path("pipelines/new.toml").write_text(edit)
    assert status("new").state == "not built"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("max_dropped", "max_length = 99\nmax_dropped", "options: max_length is 99, was not set"),
        ("max_dropped", "seed = 3\nmax_dropped", "options: seed is 3, was 0"),
        (
            "summarize/article",
            "summarize/style",
            "template: summarize/style@1.0.0 is new",
        ),
    ],
)
def test_a_changed_spec_is_named_by_its_keys(
    old: str, new: str, reason: str, project: Path
) -> None:
    edit_spec(old, new)
    found = status()
    assert found.state == "stale"
    assert found.reasons[0] == reason


def test_changed_added_and_missing_files_are_named(project: Path) -> None:
    write_rows(rows(41))
    assert status().reasons == ("rows: ../rows.jsonl changed",)
    Path("more.jsonl").write_text(json.dumps(rows(50)[-1]) + "\n")
    edit_spec('["../rows.jsonl"]', '["../more.jsonl"]')
    assert status().reasons == ("rows: ../more.jsonl new", "rows: ../rows.jsonl no longer read")


def test_a_damaged_file_of_the_dataset_is_named(project: Path) -> None:
    shard = next(Path("data/made/shards").rglob("train-*.arrow"))
    shard.unlink()
    assert status().reasons == ("files: damaged or missing; see sftdata verify data/made",)


def test_a_fault_of_a_spec_does_not_hide_the_others(project: Path) -> None:
    Path("pipelines/bad.toml").write_text("tas = 1\n")
    bad, made = find_statuses()
    assert (bad.state, made.state) == ("fault", "up to date")
    assert "tas (line 1): unknown key" in bad.reasons[0]


def test_a_dataset_without_a_spec_is_compared_with_the_one_it_recorded(project: Path) -> None:
    build("made", out="data/other", seed=7)
    other = find_status(Path("data/other"))
    assert (other.state, other.has_spec) == ("up to date", False)
    write_rows(rows(39))
    assert find_status(Path("data/other")).reasons == ("rows: ../rows.jsonl changed",)


def test_a_folder_without_a_dataset_is_an_error(project: Path) -> None:
    with pytest.raises(SftdataError, match="does not exist"):
        find_status(Path("data/nope"))


def test_a_mixture_names_the_source_that_changed(project: Path) -> None:
    Path("others.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(60)[40:]))
    text = MIXED.replace('"others.jsonl"', '"../others.jsonl"')
    Path("pipelines/mixed.toml").write_text(text)
    build("mixed")
    assert status("mixed").state == "up to date"
    Path("others.jsonl").write_text(json.dumps(rows(70)[-1]) + "\n")
    assert status("mixed").reasons == ("others: rows: ../others.jsonl changed",)
    Path("pipelines/mixed.toml").write_text(text + "weight = 2\n")
    assert status("mixed").state == "fault"  # one source with a weight, one without
