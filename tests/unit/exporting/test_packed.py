"""Several examples in one sequence: masks and boundaries keep them apart."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sftdata.errors import SftdataError
from sftdata.exporting.packed import write_megatron, write_olmo
from sftdata.loading.dataset import Dataset
from sftdata.loading.packing import plan_packs, write_plan

EOS = 256


def test_a_megatron_row_is_a_pack_with_the_mask_of_the_next_token(data: Dataset, out: Path) -> None:
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 10))
    write_megatron(data, ["train"], out, 10)
    assert pq.read_table(out / "train.idx.parquet").to_pylist() == [
        {
            #              a   b   \n  c    d   eos   e   \n  f   eos
            "input_ids": [97, 98, 10, 99, 100, EOS, 101, 10, 102, EOS],
            "loss_mask": [0, 0, 1, 1, 1, 0, 0, 1, 1, 0],
            "seq_start_id": [0, 6],
        }
    ]


def test_megatron_has_the_types_that_its_loader_expects(data: Dataset, out: Path) -> None:
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 10))
    write_megatron(data, ["train"], out, 10)
    assert [str(field.type) for field in pq.read_table(out / "train.idx.parquet").schema] == [
        "list<element: int32>", "list<element: int8>", "list<element: int32>",
    ]  # fmt: skip


def test_megatron_without_plans_of_this_length_says_how_to_make_all_of_them(
    data: Dataset, out: Path
) -> None:
    with pytest.raises(SftdataError, match="of: train, test") as caught:
        write_megatron(data, ["train", "test"], out, 9999)
    assert f"sftdata pack {data.manifest.directory} --max-length 9999" in str(caught.value)


def test_olmo_gets_raw_arrays_and_the_ends_of_the_examples(data: Dataset, out: Path) -> None:
    write_olmo(data, ["train"], out, None)
    ids = np.fromfile(out / "train" / "token_ids_part_0000.npy", np.uint16)  # 257 ids
    mask = np.fromfile(out / "train" / "labels_mask_part_0000.npy", np.bool_)
    #                       a   b   \n  c    d   eos   e   \n  f   eos
    assert ids.tolist() == [97, 98, 10, 99, 100, EOS, 101, 10, 102, EOS]
    assert mask.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
    with gzip.open(out / "train" / "token_ids_part_0000.csv.gz", "rt") as file:
        assert file.read() == "0,6\n6,10\n"


def test_each_answer_of_a_conversation_is_in_the_mask_of_a_pack(
    two_answers: Dataset, out: Path
) -> None:
    write_plan(two_answers.manifest, "train", plan_packs(two_answers["train"].lengths, 12))
    write_megatron(two_answers, ["train"], out, 12)
    write_olmo(two_answers, ["train"], out, None)
    #              q   \n   a  eos   r   \n   b   eos   e   \n   f   eos
    ids =        [113, 10, 97, EOS, 114, 10, 98, EOS, 101, 10, 102, EOS]  # fmt: skip
    own_mask =   [  0,  0,  1,   1,   0,  0,  1,   1,   0,  0,   1,   1]  # fmt: skip
    next_mask =  [  0,  1,  1,   0,   0,  1,  1,   0,   0,  1,   1,   0]  # fmt: skip
    pack = {"input_ids": ids, "loss_mask": next_mask, "seq_start_id": [0, 8]}
    assert pq.read_table(out / "train.idx.parquet").to_pylist() == [pack]
    assert np.fromfile(out / "train" / "labels_mask_part_0000.npy", np.bool_).tolist() == own_mask


def test_olmo_starts_a_new_part_when_one_is_full(
    data: Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sftdata.exporting.packed._TOKENS_IN_PART", 6)
    write_olmo(data, ["train"], out, None)
    parts = sorted((out / "train").glob("token_ids_part_*.npy"))
    assert [np.fromfile(part, np.uint16).tolist() for part in parts] == [
        [97, 98, 10, 99, 100, EOS],
        [101, 10, 102, EOS],
    ]
