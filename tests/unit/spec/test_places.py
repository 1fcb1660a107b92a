"""Paths in a spec are relative to its file, from whichever folder the build is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.spec.places import place_paths


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def placed(spec: str, **values: object) -> dict[str, object]:
    return place_paths(values, Path(spec))


def test_a_path_leads_to_what_is_beside_the_spec() -> None:
    touch("exp/rows.jsonl", "rows.jsonl", "exp/parts/a.jsonl", "exp/tok/tokenizer.json")
    assert placed("exp/a.toml", data=["rows.jsonl", "parts/*.jsonl"], tokenizer="tok") == {
        "data": ["exp/rows.jsonl", "exp/parts/*.jsonl"],
        "tokenizer": "exp/tok",
    }


def test_what_is_not_beside_it_is_looked_up_in_the_working_directory_and_then_in_the_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    touch("pipelines/a.toml", "rows.jsonl", "sub/here.jsonl")
    monkeypatch.chdir("sub")
    assert placed("../pipelines/a.toml", data=["rows.jsonl", "here.jsonl"])["data"] == [
        "../rows.jsonl",
        "here.jsonl",
    ]


def test_a_path_of_a_spec_in_pipelines_stays_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    touch("pipelines/a.toml", "pipelines/rows.jsonl", "sub/x")
    assert placed("pipelines/a.toml", data="rows.jsonl") == {"data": "rows.jsonl"}
    monkeypatch.chdir("sub")
    assert placed("../pipelines/a.toml", data="rows.jsonl") == {"data": "rows.jsonl"}


def test_a_file_beside_such_a_spec_goes_before_one_in_the_working_directory() -> None:
    touch("pipelines/rows.jsonl", "rows.jsonl")
    assert placed(str(Path.cwd() / "pipelines/a.toml"), data=["rows.jsonl"]) == {
        "data": ["pipelines/rows.jsonl"]
    }


def test_given_splits_and_the_sources_of_a_mixture_are_placed_too() -> None:
    touch("exp/a.jsonl", "exp/b.jsonl")
    source = {"spec": "qa", "against": ["b.jsonl"]}
    assert placed("exp/mix.toml", data={"train": "a.jsonl"}, sources=[source]) == {
        "data": ["train=exp/a.jsonl"],
        "sources": [{"spec": "qa", "against": ["exp/b.jsonl"]}],
    }


@pytest.mark.parametrize("item", ["-", "hf:org/name", "preset:squad", "org/name", "/rows.jsonl", 3])
def test_what_is_no_relative_path_of_a_file_stays(item: object) -> None:
    assert placed("exp/a.toml", data=[item]) == {"data": [item]}


def test_a_spec_in_the_working_directory_changes_nothing(tmp_path: Path) -> None:
    touch("rows.jsonl")
    for spec in ("a.toml", str(tmp_path / "a.toml")):
        assert placed(spec, data=["rows.jsonl"]) == {"data": ["rows.jsonl"]}
