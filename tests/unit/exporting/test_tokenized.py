"""Columns of ids and labels: each library reads back what the shards hold."""

from __future__ import annotations

from pathlib import Path

import datasets

from sftdata.exporting.tokenized import write_axolotl, write_trl, write_with_attention
from sftdata.loading.dataset import Dataset

EOS = 256
#            a   b   \n  c    d    eos
IDS_A =    [97, 98, 10, 99, 100, EOS]  # fmt: skip
LABELS_A = [-100, -100, -100, 99, 100, EOS]


def test_trl_reads_ids_and_labels(data: Dataset, out: Path) -> None:
    write_trl(data, ["train"], out, None)
    rows = datasets.Dataset.from_parquet(str(out / "train.parquet"))
    assert rows[0] == {"input_ids": IDS_A, "labels": LABELS_A}
    assert rows["input_ids"][:] == [example.input_ids.tolist() for example in data["train"]]


def test_axolotl_also_reads_an_attention_mask(data: Dataset, out: Path) -> None:
    write_axolotl(data, ["train"], out, None)
    rows = datasets.Dataset.from_parquet(str(out / "train.parquet"))
    assert rows.column_names == ["input_ids", "attention_mask", "labels"]
    assert rows[0] == {"input_ids": IDS_A, "attention_mask": [1] * 6, "labels": LABELS_A}


def test_llamafactory_loads_a_saved_dict_with_each_split(data: Dataset, out: Path) -> None:
    write_with_attention(data, ["train", "test"], out, None)
    loaded = datasets.load_from_disk(str(out))
    assert set(loaded) == {"train", "test"}
    assert loaded["train"][0]["labels"] == LABELS_A
    assert loaded["test"][0]["input_ids"] == data["test"][0].input_ids.tolist()


def test_each_answer_of_a_conversation_has_labels(two_answers: Dataset, out: Path) -> None:
    write_trl(two_answers, ["train"], out, None)
    write_with_attention(two_answers, ["train"], out / "saved", None)
    write_axolotl(two_answers, ["train"], out / "saved", None)
    #         q     \n   a   eos   r     \n   b   eos
    labels = [-100, -100, 97, EOS, -100, -100, 98, EOS]
    assert datasets.Dataset.from_parquet(str(out / "train.parquet"))[0]["labels"] == labels
    saved = datasets.Dataset.from_parquet(str(out / "saved" / "train.parquet"))
    assert saved[0]["labels"] == labels
    assert datasets.load_from_disk(str(out / "saved"))["train"][0]["labels"] == labels
