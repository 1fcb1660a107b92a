"""Folders of data files, with folders in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.reading.sources.data_folders import list_data_files


def make(*files: str) -> None:
    for file in files:
        path = Path("data", file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_below_a_folder_are_read_and_hidden_ones_are_not() -> None:
    make("b/2.parquet", "b/c/1.parquet", "a.parquet", ".git/x.parquet", "_tmp/y.parquet", "b/.z.pq")
    assert list_data_files("data", Path("data")) == (
        ["a.parquet", "b/2.parquet", "b/c/1.parquet"],
        None,
    )


def test_what_a_path_says_is_named_as_not_read() -> None:
    make("lang=de/year=2025/part-0.parquet", "lang=fr/year=2026/part-0.parquet")
    files, note = list_data_files("data/", Path("data"))
    assert len(files) == 2
    assert note is not None
    assert note.startswith("Not read from the names of the folders in data: lang, year.")


@pytest.mark.parametrize("mark", ["state.json", "dataset_dict.json", "manifest.json"])
def test_a_dataset_in_a_folder_of_its_own_is_named_and_not_read(mark: str) -> None:
    make("a.jsonl", f"saved/{mark}", "saved/b.jsonl")
    assert list_data_files("data", Path("data")) == (["a.jsonl"], "Not read from data: saved/.")


def test_a_link_to_a_folder_makes_no_circle() -> None:
    make("a.jsonl")
    Path("data/again").symlink_to(Path("data").resolve(), target_is_directory=True)
    assert list_data_files("data", Path("data")) == (["a.jsonl"], "Not read from data: again/.")
