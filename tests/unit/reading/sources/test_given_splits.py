"""Given splits: which sources have one, by what the user wrote and by their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.sources.given_splits import decide_splits, keep_given_splits
from sftdata.reading.sources.resolve import Source
from sftdata.spec.model import Spec

SPLITS = ("train", "validation", "test")
SPEC = {
    "task": "made",
    "data": ["a.jsonl"],
    "templates": ["summarize/article"],
    "tokenizer": "bytes",
    "fields": {"article": "article"},
}


def source(name: str, split: str | None = None) -> Source:
    return Source(name, "hub" if name.startswith("hf:") else "jsonl", (Path(name),), split=split)


def members(place: str, *splits: str) -> list[Source]:
    return [replace(source(f"{place}{split}"), member=split) for split in splits]


def splits_of(*sources: str | Source) -> list[str | None]:
    given = [source(s) if isinstance(s, str) else s for s in sources]
    return [kept.split for kept in keep_given_splits(given, SPLITS)[0]]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train.jsonl", "test.jsonl"], ["train", "test"]),
        (["a/Train.jsonl.gz", "a/val.csv", "b/dev.json"], ["train", "validation", "validation"]),
        (
            ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet", "test.parquet"],
            ["train", "train", "test"],
        ),
        (["news.jsonl", "test.jsonl"], [None, "test"]),
        (["hf:me/news:train[:90%]", "hf:me/news@small:validation"], ["train", "validation"]),
        (["saved/train", "saved/test"], ["train", "test"]),
        (["trainset.csv", "TestSet.csv", "traindata.csv"], ["train", "test", "train"]),
        (["news_trainset.csv", "news_devset.csv"], ["train", "validation"]),
        (["dataset.csv", "database.csv", "set.csv"], [None, None, None]),
        # Names and folders that differ in nothing but the split.
        (["news_train.jsonl", "news_test.jsonl"], ["train", "test"]),
        (["squad-dev-v1.1.json", "squad-train-v1.1.json"], ["validation", "train"]),
        (["a.train.1.jsonl", "a.train.2.jsonl", "a.test.1.jsonl"], ["train", "train", "test"]),
        (["in/train/a.csv", "in/train/b.csv", "in/test/c.csv"], ["train", "train", "test"]),
        (["train_a.jsonl", "test_b.jsonl"], [None, None]),
        (["dev/a.jsonl", "main/b.jsonl"], [None, None]),
        (["train_test.jsonl", "more.jsonl"], [None, None]),
        # One split alone divides nothing.
        (["train.jsonl"], [None]),
        (["test.jsonl"], [None]),
        (["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"], [None, None]),
        (["hf:me/news:train[:50%]", "hf:me/news:train[50%:]"], [None, None]),
        # Not names of splits.
        (["trains.jsonl", "contest.jsonl", "unit.test.jsonl"], [None, None, None]),
        (["hf:me/news:train+test", "more.jsonl"], [None, None]),
    ],
)
def test_names_tell_splits_apart(names: list[str], splits: list[str | None]) -> None:
    assert splits_of(*names) == splits


def test_what_the_user_wrote_goes_before_a_name() -> None:
    assert splits_of(source("test.jsonl", "train"), "dev.jsonl") == ["train", "validation"]
    assert splits_of(source("a.jsonl", "val"), "b.jsonl") == ["validation", None]


def test_a_split_of_its_own_is_kept_and_named() -> None:
    kept, note = keep_given_splits([source("a.jsonl", "ca_test"), source("b.jsonl")], SPLITS)
    assert [s.split for s in kept] == ["ca_test", None]
    assert note == (
        "Splits are kept as given: ca_test from a.jsonl. Not in the spec's [split], so added: "
        "ca_test. The shares of [split] apply to b.jsonl."
    )


def test_the_spelling_of_the_spec_is_used() -> None:
    kept, _ = keep_given_splits([source("validation.jsonl", "validation")], ("train", "dev"))
    assert kept[0].split == "dev"


def test_no_given_split_is_worth_no_note() -> None:
    assert keep_given_splits([source("a.jsonl"), source("b.jsonl")], SPLITS)[1] is None


def test_many_files_are_named_in_one_line() -> None:
    sources = [source(f"train-0000{i}-of-00009.parquet") for i in range(9)]
    _, note = keep_given_splits([*sources, source("test.parquet")], SPLITS)
    assert note is not None
    assert "train-00002-of-00009.parquet and 6 more; test from test.parquet." in note


def test_a_join_goes_before_names() -> None:
    spec = Spec.model_validate(SPEC | {"given_splits": "join"})
    sources, note = decide_splits([source("train.jsonl"), source("test.jsonl")], spec)
    assert [kept.split for kept in sources] == [None, None]
    assert note is None


def test_rows_without_a_value_in_the_split_column_keep_the_split_of_their_file() -> None:
    spec = Spec.model_validate(SPEC | {"split_column": "part"})
    sources, note = decide_splits([source("train.jsonl"), source("test.jsonl")], spec)
    assert [kept.split for kept in sources] == ["train", "test"]
    assert note is not None
    assert "that of its source (train.jsonl: train, test.jsonl: test), or else" in note
    sources, note = decide_splits([source("a.jsonl"), source("b.jsonl")], spec)
    assert note is not None
    assert note.endswith("a row without one gets a split by the shares of [split].")


def test_a_join_divides_the_splits_of_a_dataset_anew() -> None:
    spec = Spec.model_validate(SPEC | {"given_splits": "join"})
    kept, note = decide_splits(members("saved/", "train", "test"), spec)
    assert [s.split for s in kept] == [None, None]
    assert note is None


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train", "dev"], ["train", "validation"]),
        (["train", "unsupervised"], ["train", "unsupervised"]),
        (["train_sft", "test_sft"], ["train_sft", "test_sft"]),
        (["en", "de"], [None, None]),  # they divide the rows by something else
    ],
)
def test_a_dataset_keeps_its_splits_if_they_are_for_training(
    names: list[str], splits: list[str | None]
) -> None:
    assert splits_of(*members("saved/", *names)) == splits
    assert splits_of(*members("hf:a/b:", *names), "c.jsonl") == [*splits, None]


def test_splits_that_are_not_for_training_are_named() -> None:
    _, note = keep_given_splits(members("hf:a/b:", "en", "de"), SPLITS)
    assert note == (
        "en, de are no splits to train on or to hold out: their rows are divided by the shares of "
        "[split]. To keep one write, for example: en=hf:a/b:en"
    )


def test_a_name_that_may_mean_a_split_to_hold_out_is_named() -> None:
    _, note = keep_given_splits([source("old.jsonl"), source("news_test.jsonl")], SPLITS)
    assert note == (
        "news_test.jsonl is divided by shares; to keep it whole: --data test=news_test.jsonl"
    )


def test_a_split_that_cannot_name_a_file_gets_a_name_to_give() -> None:
    with pytest.raises(GoldenSetError, match=r"--data train_clean=hf:a/b:train\.clean"):
        splits_of(source("hf:a/b:train.clean", "train.clean"))
