"""The Hub: splits and slices of a dataset, by the arithmetic of `datasets` itself.

`datasets` reads a folder as it reads the Hub, so the folder stands for a dataset there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import datasets
import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.sources.hub import load_hub_splits
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.reading.tables.read import read_tables


@pytest.fixture(autouse=True)
def _news(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    Path("news").mkdir()
    for split, count in (("train", 20), ("test", 5)):
        rows = "".join(json.dumps({"id": f"{split}{i}"}) + "\n" for i in range(count))
        Path(f"news/{split}.jsonl").write_text(rows)


def ids(data: Sequence[str]) -> list[str]:
    return [
        row_id
        for source in resolve_sources(data)
        for table in read_tables(source)
        for row_id in table.batch.column("id").to_pylist()
    ]


def test_a_name_alone_gives_all_splits_each_with_its_rows() -> None:
    found = [(s.name, s.member, s.rows) for s in resolve_sources(["hf:./news"])]
    assert found == [("hf:./news:train", "train", None), ("hf:./news:test", "test", None)]
    assert ids(["hf:./news:test"]) == [f"test{i}" for i in range(5)]


def test_a_split_that_is_named_is_a_choice_of_rows_and_not_given() -> None:
    (source,) = resolve_sources(["hf:./news:test"])
    assert (source.split, source.member) == (None, None)
    sources = resolve_sources(["validation=hf:./news:test", "train=hf:./news"])
    assert [source.split for source in sources] == ["validation", "train", "train"]
    assert [source.member for source in sources] == [None] * 3


def test_the_only_split_of_a_set_divides_nothing() -> None:
    Path("news/test.jsonl").unlink()
    (source,) = resolve_sources(["hf:./news"])
    assert (source.name, source.member) == ("hf:./news:train", None)


@pytest.mark.parametrize("split", ["train[:50%]", "train[10:13]", "train[-3:]", "train[:33%]+test"])
def test_a_slice_gives_the_rows_that_datasets_gives(split: str) -> None:
    right = datasets.load_dataset("./news", split=split)["id"]
    assert ids([f"hf:./news:{split}"]) == list(right)


def test_rows_of_a_slice_have_the_numbers_they_have_in_the_split() -> None:
    (source,) = resolve_sources(["hf:./news:train[10:13]"])
    (table,) = read_tables(source)
    assert table.lines.tolist() == [11, 12, 13]


def test_slices_have_digests_of_their_own() -> None:
    slices = ("train", "train[:50%]", "train[50%:]", "train[:10]")
    first, half, other, same = (resolve_sources([f"hf:./news:{s}"])[0].sha256 for s in slices)
    assert len({first, half, other}) == 3
    assert same == half


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("nope", r"Unknown split \"nope\"(?s:.*)train \(20 rows\), test \(5 rows\)"),
        ("train[5]", r"Unrecognized instruction(?s:.*)train\[:50%\]"),
        ("test[5:9]", r"names no rows: 'test' has 5"),
    ],
)
def test_a_split_that_is_not_there_is_refused_with_those_that_are(split: str, message: str) -> None:
    with pytest.raises(GoldenSetError, match=message):
        load_hub_splits(f"hf:./news:{split}")


def test_a_set_that_cannot_be_loaded_says_how_it_is_named() -> None:
    with pytest.raises(GoldenSetError, match=r"cannot be loaded(?s:.*)hf:NAME@CONFIG:SPLIT"):
        load_hub_splits("hf:./nowhere")
