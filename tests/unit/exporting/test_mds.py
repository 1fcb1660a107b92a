"""MDS: the bytes are those of mosaicml-streaming, whose reader gets the ids and labels back."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import handmade
from support.exported import read_mds
from support.handmade import Row

from sftdata.exporting.mds import count_other_ends, write_mds
from sftdata.loading.dataset import Dataset

EOS = 256


def test_a_sample_has_ids_labels_and_its_turns(data: Dataset, out: Path) -> None:
    write_mds(data, ["train"], out, None)
    #      a   b   \n  c    d    eos
    ids = [97, 98, 10, 99, 100, EOS]
    assert read_mds(out / "train")[0] == {
        "input_ids": ids,
        "labels": [-100, -100, -100, 99, 100, EOS],
        "turns": [{"input_ids": [97, 98, 10], "labels": [99, 100, EOS]}],
    }
    assert len(read_mds(out / "train")) == len(data["train"])


def test_each_answer_of_a_conversation_is_a_turn(two_answers: Dataset, out: Path) -> None:
    write_mds(two_answers, ["train"], out, None)
    talk, plain = read_mds(out / "train")
    assert talk["turns"] == [
        {"input_ids": [113, 10], "labels": [97, EOS]},
        {"input_ids": [114, 10], "labels": [98, EOS]},
    ]
    assert plain["turns"] == [{"input_ids": [101, 10], "labels": [102, EOS]}]


def test_what_follows_the_last_answer_is_in_no_turn(
    tmp_path: Path, byte_tokenizer: Path, out: Path
) -> None:
    #     q   a   eos  \n: some chat templates end a turn with a line break, outside the loss
    ids = [113, 97, EOS, 10]
    row = Row("a", ids, target_start=1, label_mask=[False, True, True, False])
    data = handmade.write(tmp_path / "data", byte_tokenizer, [row])
    write_mds(data, ["train"], out, None)
    (sample,) = read_mds(out / "train")
    assert sample["input_ids"] == ids
    assert sample["turns"] == [{"input_ids": [113], "labels": [97, EOS]}]


def test_examples_that_llm_foundry_gives_an_eos_are_counted(
    tmp_path: Path, byte_tokenizer: Path, data: Dataset
) -> None:
    stopped = Row("a", [113, 97, 98], target_start=1)
    other = handmade.write(tmp_path / "other", byte_tokenizer, [stopped])
    assert count_other_ends(data, ["train", "test"]) == 0
    assert count_other_ends(other, ["train"]) == 1


def test_a_full_shard_is_followed_by_another(
    data: Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sftdata.exporting.mds._BYTES_IN_SHARD", 400)
    write_mds(data, ["train"], out, None)
    assert len([*(out / "train").glob("shard.*.mds")]) == 2
    rows = [sample["input_ids"] for sample in read_mds(out / "train")]
    assert rows == [example.input_ids.tolist() for example in data["train"]]
