"""All columns of a dataset, with or without texts, as `datasets` reads them back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from sftdata.exporting.export import export
from sftdata.loading.dataset import Dataset

EOS = 256
FIRST = {
    "row_id": "a",
    "template": "handmade/plain@1.0.0",
    #              a   b   \n  c    d    eos
    "input_ids": [97, 98, 10, 99, 100, EOS],
    "labels": [-100, -100, -100, 99, 100, EOS],
    "target_start": 3,
}


def read(form: str, folder: Path, split: str) -> list[dict[str, Any]]:
    if form == "hf":
        return list(datasets.load_from_disk(str(folder))[split])
    if form == "parquet":
        return list(datasets.Dataset.from_parquet(str(folder / f"{split}.parquet")))
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("form", ["hf", "parquet", "jsonl"])
def test_every_row_of_every_split_comes_back(form: str, data: Dataset) -> None:
    export(data.manifest.directory, form, Path("x"))
    rows = read(form, Path("x"), "train")
    assert rows[0] | {"template": FIRST["template"]} == FIRST
    for split in data:
        for row, example in zip(read(form, Path("x"), split), data[split], strict=True):
            assert row["row_id"] == example.row_id
            assert row["input_ids"] == example.input_ids.tolist()
            assert row["labels"] == example.labels.tolist()
            assert row["target_start"] == example.target_start


@pytest.mark.parametrize("form", ["hf", "parquet", "jsonl"])
def test_texts_go_along_when_asked_for(form: str, data: Dataset) -> None:
    export(data.manifest.directory, form, Path("x"), with_text=True)
    rows = read(form, Path("x"), "train")
    assert [(row["prompt"], row["target"]) for row in rows] == [("ab\n", "cd"), ("e\n", "f")]
    (row,) = read(form, Path("x"), "test")
    assert row["target"] == "é"


def test_a_saved_dict_holds_nothing_else(data: Dataset) -> None:
    files = export(data.manifest.directory, "hf", Path("x")).files
    assert {path.parts[1] for path in files} == {"README.md", "dataset_dict.json", "test", "train"}
