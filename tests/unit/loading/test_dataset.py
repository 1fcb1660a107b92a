"""Load: rows, slices and batches of a dataset that was built here."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.manifests import edit_manifest

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, Split, load
from sftdata.loading.order import StreamPosition

EOS = 256
PROMPT = "You are a helpful assistant that summarizes articles.\n\nArticle:\n{}\n\nSummary:\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Dataset:
    folder = tmp_path_factory.mktemp("loader")
    rows = [{"id": f"r{i}", "article": f"article {i}", "summary": f"s{i}"} for i in range(60)]
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(
        "summarize",
        template="summarize/article",
        checks={},
        data=source,
        tokenizer=byte_tokenizer,
        out=folder / "out",
    )
    return load(folder / "out")


@pytest.fixture(scope="module")
def train(data: Dataset) -> Split:
    return data["train"]


def ids(split: Split) -> list[str]:
    return [example.row_id for example in split]


def test_the_function_is_there_under_its_short_name(data: Dataset) -> None:
    import sftdata

    assert len(sftdata.load(str(data.manifest.directory))["train"]) == len(data["train"])


def test_a_data_set_is_a_mapping_of_its_splits(data: Dataset) -> None:
    assert list(data) == ["train", "validation", "test"]
    assert len(data) == 3
    assert sum(len(split) for split in data.values()) == 60
    assert "train" in data
    assert "trian" not in data
    assert data.get("trian") is None


def test_an_unknown_split_ends_in_a_suggestion(data: Dataset) -> None:
    with pytest.raises(SftdataError, match=r"no split 'trian'(?s:.*)Did you mean 'train'"):
        data["trian"]


def test_an_example_is_prompt_then_target_then_eos(train: Split) -> None:
    for example in train:
        number = example.row_id[1:]
        prompt, target = PROMPT.format(f"article {number}").encode(), f"s{number}".encode()
        assert example.input_ids.tolist() == [*prompt, *target, EOS]
        assert example.label_mask.tolist() == [False] * len(prompt) + [True] * (len(target) + 1)
        assert example.labels.tolist() == [-100] * len(prompt) + [*target, EOS]
        assert example.target_start == len(prompt)
        assert example.template.startswith("summarize/article@")


def test_arrays_have_the_types_of_the_shard(train: Split) -> None:
    example = train[0]
    assert (example.input_ids.dtype, example.labels.dtype) == (np.int32, np.int32)
    assert example.label_mask.dtype == np.bool_
    assert isinstance(example.target_start, int)


def test_arrays_are_views_that_cannot_be_written_to(train: Split) -> None:
    for array in (train[0].input_ids, train[0].label_mask):
        assert not array.flags.writeable


def test_an_index_counts_from_either_end(train: Split) -> None:
    last = len(train) - 1
    assert train[-1].row_id == train[last].row_id == ids(train)[-1]
    assert train[-len(train)].row_id == train[0].row_id
    assert train[np.int64(3)].row_id == train[3].row_id
    for index in (len(train), -len(train) - 1):
        with pytest.raises(IndexError, match=f"no row {index} in 'train', which has {len(train)}"):
            train[index]


@pytest.mark.parametrize("index", ["r3", 1.5, None, (1, 2)])
def test_another_index_is_a_type_error_as_of_a_list(train: Split, index: object) -> None:
    with pytest.raises(TypeError, match=f"not by {type(index).__name__}"):
        train[index]  # type: ignore[call-overload]


def test_a_split_is_taken_by_its_name(data: Dataset) -> None:
    with pytest.raises(TypeError, match="splits by name, for example 'train'"):
        data[0]  # type: ignore[index]


@pytest.mark.parametrize(
    "cut",
    [
        slice(3, 9), slice(None), slice(-5, None), slice(None, None, -1), slice(40, 2, -7),
        slice(2, None, 5), slice(5, 5), slice(1000, 2000), slice(9, 3),
    ],
)  # fmt: skip
def test_a_slice_is_a_view_like_that_of_a_list(train: Split, cut: slice) -> None:
    view = train[cut]
    assert isinstance(view, Split)
    assert ids(view) == ids(train)[cut]
    assert view.to_arrow().column("row_id").to_pylist() == ids(train)[cut]
    batch = view.to_batch()
    assert batch.row_id == ids(train)[cut]
    assert len(batch.offsets) == len(view) + 1


def test_a_slice_of_a_slice_is_a_slice(train: Split) -> None:
    assert ids(train[10:30][::2][1:4]) == ids(train)[10:30][::2][1:4]
    assert train[10:30][-1].row_id == train[29].row_id


def test_a_stream_is_shuffled_shared_by_ranks_and_goes_on_at_the_exact_row(train: Split) -> None:
    whole = [example.row_id for example, _ in train.stream(StreamPosition(seed=3, epoch=1))]
    assert sorted(whole) == sorted(ids(train))
    assert whole != ids(train)
    other = [example.row_id for example, _ in train.stream(StreamPosition(seed=3, epoch=2))]
    assert other != whole
    parts = [list(train.stream(StreamPosition(3, 1), rank=r, ranks=2)) for r in range(2)]
    assert [e.row_id for pair in zip(*parts, strict=False) for e, _ in pair] == whole[
        : 2 * (len(whole) // 2)
    ]
    position = parts[0][4][1]
    assert [e.row_id for e, _ in train.stream(position)] == whole[10:]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_batches_hold_the_same_examples_in_the_same_order(train: Split, size: int) -> None:
    at = 0
    for batch in train.batches(size):
        assert len(batch.row_id) == min(size, len(train) - at)
        for i, row_id in enumerate(batch.row_id):
            example, cut = train[at + i], slice(batch.offsets[i], batch.offsets[i + 1])
            assert (row_id, batch.template[i]) == (example.row_id, example.template)
            assert batch.input_ids[cut].tolist() == example.input_ids.tolist()
            assert batch.label_mask[cut].tolist() == example.label_mask.tolist()
            assert batch.labels[cut].tolist() == example.labels.tolist()
            assert batch.target_start[i] == example.target_start
        at += len(batch.row_id)
    assert at == len(train)


def test_what_is_in_the_manifest_is_what_is_there(data: Dataset) -> None:
    for name, split in data.items():
        shards = data.manifest["splits"][name]["shards"]
        assert sum(shard["rows"] for shard in shards) == len(split)
        assert sum(shard["tokens"] for shard in shards) == len(split.to_batch().input_ids)
        assert sum(shard["target_tokens"] for shard in shards) == split.to_batch().label_mask.sum()


@pytest.mark.parametrize("cut", [slice(None), slice(5, 20), slice(None, None, -3), slice(4, 4)])
def test_lengths_and_target_counts_are_those_of_the_rows(train: Split, cut: slice) -> None:
    view = train[cut]
    assert view.lengths.tolist() == [len(example.input_ids) for example in view]
    assert view.target_counts.tolist() == [int(example.label_mask.sum()) for example in view]


def test_a_hugging_face_data_set_has_labels(train: Split) -> None:
    view = train[4:9]
    converted = view.to_hf()
    assert converted.column_names == [
        "row_id", "template", "input_ids", "label_mask", "target_start", "labels",
    ]  # fmt: skip
    assert converted["row_id"][:] == ids(view)
    for row, example in zip(converted, view, strict=True):
        assert row["input_ids"] == example.input_ids.tolist()
        assert row["labels"] == example.labels.tolist()
        assert row["template"] == example.template


def test_an_empty_view_converts_too(train: Split) -> None:
    assert train[5:5].to_hf().num_rows == 0
    assert list(train[5:5].batches(3)) == []


def test_a_folder_without_a_data_set_is_an_error_with_the_way_out() -> None:
    with pytest.raises(SftdataError, match=r"nowhere does not exist(?s:.*)sftdata build"):
        load("nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1}', '{"version": "x"}', "3"])
def test_a_manifest_that_is_none_is_an_error_that_names_it(text: str) -> None:
    Path("manifest.json").write_text(text)
    with pytest.raises(SftdataError, match=r"manifest\.json"):
        load(".")["train"]


def test_a_manifest_of_a_newer_version_says_to_upgrade() -> None:
    Path("manifest.json").write_text('{"version": 99}')
    with pytest.raises(SftdataError, match=r"99(?s:.*)pip install -U sftdata"):
        load(".")


def read_ids(split: Split) -> tuple[str, list[str], list[int]]:
    return split.name, ids(split), split.lengths.tolist()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_slice_reads_the_same_in_a_worker_of_any_start_method(
    method: str, train: Split, tmp_path: Path
) -> None:
    part = train[3:40:7]
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(read_ids, (part,)) == read_ids(part)


def test_a_dataset_sent_from_another_folder_is_found(data: Dataset, tmp_path: Path) -> None:
    shutil.copytree(data.manifest.directory, "here")
    sent = pickle.dumps(load("here"))
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    opened = pickle.loads(sent)
    assert read_ids(opened["test"]) == read_ids(data["test"])
    assert len(pickle.dumps(data["train"])) < 1000  # no rows are sent
    assert pickle.loads(pickle.dumps(data["train"][0])).row_id == data["train"][0].row_id


def test_a_dataset_that_was_built_again_meanwhile_is_not_taken_for_the_old(
    data: Dataset, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(data.manifest.directory, tmp_path / "copy"))
    sent = pickle.dumps(load(copy)["train"])
    edit_manifest(copy, lambda content: content.update(build="b" * 16))
    with pytest.raises(SftdataError, match=r"was built again while it was in use"):
        pickle.loads(sent)
