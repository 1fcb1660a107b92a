"""Splits that the user has given are kept: rows of a test set are never trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from support.forty_rows import build, rows, write_spec
from support.places import SHARED
from support.shot_pools import read_pool

from sftdata import load
from sftdata.building.build import build as build_dataset
from sftdata.building.dry_run import dry_run
from sftdata.building.rebuild import rebuild
from sftdata.errors import SftdataError
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import pool_path, read_manifest

ROWS = rows()
TRAIN, VALIDATION, TEST = ROWS[:24], ROWS[24:30], ROWS[30:]


@pytest.fixture(autouse=True)
def _spec(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)


def write(name: str, golden: Sequence[dict[str, Any]]) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in golden))


def ids(golden: Sequence[dict[str, Any]]) -> set[str]:
    return {row["id"] for row in golden}


def made(out: str = "out") -> dict[str, set[str]]:
    return {name: {row.row_id for row in split} for name, split in load(out).items()}


def write_three() -> None:
    for name, golden in (("train", TRAIN), ("val", VALIDATION), ("test", TEST)):
        write(f"{name}.jsonl", golden)


KEPT = {"train": ids(TRAIN), "validation": ids(VALIDATION), "test": ids(TEST)}


def test_files_that_are_named_for_their_splits_keep_them_and_it_is_said() -> None:
    write_three()
    said: list[str] = []
    data = ["train.jsonl", "val.jsonl", "test.jsonl"]
    build_dataset(spec="spec.toml", data=data, out="out", report=said.append)
    assert made() == KEPT
    assert said[0] == (
        "Splits are kept as given: train from train.jsonl; validation from val.jsonl; "
        "test from test.jsonl."
    )
    sources = read_manifest(Path("out"))["sources"]
    assert [source["split"] for source in sources] == ["train", "validation", "test"]


@pytest.mark.parametrize(
    "data",
    [
        {"train": ["a.jsonl"], "val": "b.jsonl", "test": ["c.jsonl"]},
        ["train=a.jsonl", "validation=b.jsonl", "test=c.jsonl"],
    ],
)
def test_a_spec_and_an_option_give_splits_to_files(data: Any) -> None:
    for name, golden in (("a", TRAIN), ("b", VALIDATION), ("c", TEST)):
        write(f"{name}.jsonl", golden)
    build_dataset(spec="spec.toml", data=data, out="out")
    assert made() == KEPT


def test_the_shares_apply_to_rows_without_a_split_alone() -> None:
    write("more.jsonl", TRAIN + VALIDATION)
    write("test.jsonl", TEST)
    build(spec="spec.toml", data=["more.jsonl"], out="alone")
    build(spec="spec.toml", data=["more.jsonl", "test.jsonl"], out="out")
    alone = made("alone")
    assert alone["train"]
    assert alone["validation"]
    assert made() == {**alone, "test": alone["test"] | ids(TEST)}


def test_a_saved_dictionary_of_datasets_keeps_its_splits_and_one_of_its_own() -> None:
    sets = {"train": TRAIN, "dev": VALIDATION, "ca_test": TEST}
    datasets.DatasetDict(
        {name: datasets.Dataset.from_list(golden) for name, golden in sets.items()}
    ).save_to_disk("saved")
    build_dataset(spec="spec.toml", data=["saved"], out="out")
    assert made() == {
        "train": ids(TRAIN),
        "validation": ids(VALIDATION),
        "test": set(),
        "ca_test": ids(TEST),
    }
    assert rebuild(Path("out"), Path("again")).difference is None


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_column_names_the_split_of_each_row(suffix: str) -> None:
    named = [("train", TRAIN), ("Dev", VALIDATION), ("test", TEST[:-1]), (None, TEST[-1:])]
    golden = [{**row, "part": name} for name, own in named for row in own]
    if suffix == "jsonl":
        write("rows.jsonl", golden)
    else:
        datasets.Dataset.from_list(golden).to_parquet("rows.parquet")
    build(spec="spec.toml", data=[f"rows.{suffix}"], split_column="part", out="out")
    found = made()
    assert found["train"] >= ids(TRAIN)
    assert found["validation"] >= ids(VALIDATION)
    assert found["test"] >= ids(TEST[:-1])
    assert sum(map(len, found.values())) == len(ROWS)  # that without a split has a share


def test_a_value_that_names_no_split_is_a_fault_of_its_row() -> None:
    write("rows.jsonl", [{**row, "part": "train"} for row in TRAIN] + [{**TEST[0], "part": "tset"}])
    build(spec="spec.toml", split_column="part", out="out")
    (line,) = read_ledger(read_manifest(Path("out"))).to_pylist()
    assert (line["row_id"], line["reason"]) == (TEST[0]["id"], "unknown_split")
    assert (
        line["detail"] == "'part' is 'tset', which is no split; there are: train, validation, test"
    )


def test_a_column_that_is_not_there_is_named() -> None:
    write("rows.jsonl", ROWS)
    with pytest.raises(SftdataError, match=r"split_column names 'part'(?s:.*)article"):
        build(spec="spec.toml", split_column="part", out="out")


def test_a_column_and_splits_of_data_are_not_given_together() -> None:
    with pytest.raises(SftdataError, match="split_column or the splits of data, not both"):
        build(spec="spec.toml", data=["train=rows.jsonl"], split_column="part", out="out")


def test_a_group_does_not_move_a_row_out_of_its_split() -> None:
    write("train.jsonl", [{**row, "topic": "one"} for row in TRAIN])
    write("test.jsonl", [{**row, "topic": "one"} for row in TEST])
    build(spec="spec.toml", data=["train.jsonl", "test.jsonl"], group="topic", out="out")
    assert made() == {"train": ids(TRAIN), "validation": set(), "test": ids(TEST)}


def test_the_same_rows_in_another_split_are_made_anew_and_not_reused_for_it() -> None:
    write("a.jsonl", TRAIN)
    for split in ("train", "test", "train"):
        build(spec="spec.toml", data=[f"{split}=a.jsonl"], out="out")
        assert made()[split] == ids(TRAIN)


def test_a_repeat_in_a_later_split_is_dropped_and_named() -> None:
    write("train.jsonl", TRAIN)
    write("test.jsonl", [{**TRAIN[3], "id": "again"}, *TEST])
    build(spec="spec.toml", data=["train.jsonl", "test.jsonl"], out="out")
    assert made()["test"] == ids(TEST)
    (line,) = read_ledger(read_manifest(Path("out"))).to_pylist()
    assert (line["source"], line["reason"]) == ("test.jsonl:1", "duplicate")


def test_shots_are_drawn_from_the_train_split_as_given() -> None:
    write("train.jsonl", TEST)
    write("test.jsonl", TRAIN)
    outcome = build(spec="spec.toml", data=["train.jsonl", "test.jsonl"], shots=2, out="out")
    pool = read_pool(Path("out") / pool_path(outcome.manifest["build"]))
    assert set(pool.rows.column("row_id").to_pylist()) == ids(TEST)


def test_workers_and_dry_runs_keep_given_splits() -> None:
    write_three()
    data = ["train.jsonl", "val.jsonl", "test.jsonl"]
    build(spec="spec.toml", data=data, out="two", workers=2)
    assert made("two") == KEPT
    parts = dry_run(spec=Path("spec.toml"), data=data).examples
    assert [part.blocks.rows.sum(axis=0).nonzero()[0].tolist() for part in parts] == [[0], [1], [2]]


def test_a_mixture_keeps_the_splits_of_its_parts() -> None:
    write("a/train.jsonl", TRAIN[:12])
    write("a/extra_test.jsonl", TEST[:5])
    write("b/train.jsonl", TRAIN[12:])
    write("b/test.jsonl", TEST[5:])
    Path("mixed.toml").write_text(
        'task = "mixed"\n'
        '[[sources]]\nname = "a"\nspec = "spec.toml"\n'
        'data = { train = ["a/train.jsonl"], extra = ["a/extra_test.jsonl"] }\n'
        '[[sources]]\nname = "b"\nspec = "spec.toml"\ndata = ["b/train.jsonl", "b/test.jsonl"]\n'
    )
    build_dataset(spec="mixed.toml", out="out")
    found = made()
    assert {name: found[name] for name in ("train", "test", "extra")} == {
        "train": ids(TRAIN),
        "test": ids(TEST[5:]),
        "extra": ids(TEST[:5]),
    }


def test_a_file_whose_name_reads_like_a_split_and_a_place_is_told_apart() -> None:
    write("train=a.jsonl", TRAIN)
    build(spec="spec.toml", data=["train=a.jsonl"], out="out")
    assert made()["validation"]  # the rows of the file, by shares
    write("a.jsonl", TEST)
    with pytest.raises(SftdataError, match=r"\./train=a\.jsonl(?s:.*)train=\./a\.jsonl"):
        build(spec="spec.toml", data=["train=a.jsonl"], out="out")
    build(spec="spec.toml", data=["train=./a.jsonl"], out="out")
    assert made()["train"] == ids(TEST)


@pytest.mark.real
@pytest.mark.skipif(not SHARED.exists(), reason="the shared cases are not here")
def test_the_case_of_a_split_column() -> None:
    file = SHARED / "cases" / "splits" / "splitcol.jsonl"
    build_dataset("summarize", data=file, split_column="split", out="out")
    counts = {name: len(split) for name, split in load("out").items()}
    assert counts == {"train": 30, "validation": 5, "test": 5}


def test_shots_and_weights_need_a_training_split(byte_tokenizer: Path) -> None:
    write("rows.jsonl", ROWS)
    shares = {"fit": 0.5, "test": 0.5}
    with pytest.raises(SftdataError, match=r"Shots are drawn from the split 'train'(?s:.*)fit"):
        build(spec="spec.toml", split=shares, shots=1, out="out")
    Path("mixed.toml").write_text(
        'task = "mixed"\nsplit = { fit = 0.5, test = 0.5 }\n'
        '[[sources]]\nspec = "spec.toml"\nweight = 2.0\n'
        '[[sources]]\nspec = "spec.toml"\nweight = 1.0\nname = "other"\n'
    )
    with pytest.raises(SftdataError, match="it has no split 'train', only fit, test"):
        build(spec="mixed.toml", out="mixed")


def test_a_column_that_reads_like_splits_is_not_passed_over_in_silence() -> None:
    write("rows.jsonl", [{**row, "Split": "train"} for row in ROWS])
    said: list[str] = []
    build_dataset(spec="spec.toml", out="out", report=said.append)
    assert any("To keep the splits that 'Split' names: --split-column Split" in s for s in said)
