"""Export: what another trainer reads back is what the shards hold."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.exporting.formats import FORMATS, export
from sftdata.loading.dataset import Dataset, load
from sftdata.loading.packing import plan_packs, read_plan, write_plan

LENGTH = 300


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Path:
    folder = tmp_path_factory.mktemp("export")
    rows = [{"id": f"r{i}", "article": "a" * i, "summary": f"né {i}"} for i in range(1, 40)]
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
    data = load(folder / "out")
    for name in data:
        write_plan(data.manifest, name, plan_packs(data[name].lengths, LENGTH))
    return folder / "out"


@pytest.fixture
def data(dataset: Path) -> Dataset:
    return load(dataset)


def test_trl_and_axolotl_read_ids_and_labels(dataset: Path, data: Dataset) -> None:
    import datasets

    expected = [(e.input_ids.tolist(), e.labels.tolist()) for e in data["train"]]
    export(dataset, "trl", Path("trl"))
    export(dataset, "axolotl", Path("axolotl"))
    for name, columns in (
        ("trl", ["input_ids", "labels"]),
        ("axolotl", ["input_ids", "attention_mask", "labels"]),
    ):
        rows = datasets.Dataset.from_parquet(f"{name}/train.parquet")
        assert rows.column_names == columns
        assert [(row["input_ids"], row["labels"]) for row in rows] == expected
    assert set(rows[0]["attention_mask"]) == {1}


def test_llamafactory_loads_a_saved_dict_from_the_folder_itself(
    dataset: Path, data: Dataset
) -> None:
    import datasets

    export(dataset, "llamafactory", Path("x"))
    loaded = datasets.load_from_disk("x")
    assert set(loaded) == {name for name in data if len(data[name])}
    for row, example in zip(loaded["train"], data["train"], strict=True):
        assert row["input_ids"] == example.input_ids.tolist()
        assert row["labels"] == example.labels.tolist()
        assert row["attention_mask"] == [1] * len(example.input_ids)


def test_megatron_has_packs_and_the_mask_of_the_next_token(dataset: Path, data: Dataset) -> None:
    import pyarrow.parquet as pq

    export(dataset, "megatron", Path("x"), max_length=LENGTH)
    table = pq.read_table("x/train.idx.parquet")
    assert [str(field.type) for field in table.schema] == [
        "list<element: int32>", "list<element: int8>", "list<element: int32>",
    ]  # fmt: skip
    assert table.schema.names == ["input_ids", "loss_mask", "seq_start_id"]
    plan = read_plan(data, "train", LENGTH)
    assert table.num_rows == len(plan)
    targets = 0
    for pack, row in enumerate(table.to_pylist()):
        starts = [*row["seq_start_id"], len(row["input_ids"])]
        for at, place in enumerate(plan[pack]):
            example = data["train"][int(place)]
            part = slice(starts[at], starts[at + 1])
            assert row["input_ids"][part] == example.input_ids.tolist()
            mask = row["loss_mask"][part]
            assert mask[:-1] == example.label_mask[1:].astype(int).tolist()
            assert mask[-1] == 0  # the next token is another example's
        targets += sum(row["loss_mask"])
    assert targets == data["train"].target_counts.sum()


def test_olmo_has_bare_arrays_and_boundaries(
    dataset: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sftdata.exporting.packed._TOKENS_IN_PART", 1000)  # several parts
    export(dataset, "olmo", Path("x"))
    parts = sorted(Path("x/train").glob("token_ids_part_*.npy"))
    assert len(parts) > 2
    rows = []
    for part in parts:
        ids = np.fromfile(part, np.uint16)  # the smallest type for 257 entries
        mask = np.fromfile(part.with_name(part.name.replace("token_ids", "labels_mask")), np.bool_)
        assert len(ids) == len(mask)
        with gzip.open(part.with_suffix(".csv.gz"), "rt") as file:
            bounds = [tuple(map(int, line.split(","))) for line in file]
        assert bounds[0][0] == 0
        assert bounds[-1][1] == len(ids)
        rows += [(ids[a:b].tolist(), mask[a:b].tolist()) for a, b in bounds]
    assert rows == [(e.input_ids.tolist(), e.label_mask.tolist()) for e in data["train"]]


def test_text_comes_back_as_it_was_rendered(dataset: Path, data: Dataset) -> None:
    export(dataset, "prompt-completion", Path("pc"))
    export(dataset, "messages", Path("m"))
    pairs = [json.loads(line) for line in Path("pc/train.jsonl").read_text().splitlines()]
    chats = [json.loads(line) for line in Path("m/train.jsonl").read_text().splitlines()]
    for pair, chat, example in zip(pairs, chats, data["train"], strict=True):
        ids = bytes(example.input_ids[:-1].tolist())  # the tokenizer's ids are bytes
        assert (pair["prompt"] + pair["completion"]).encode() == ids
        assert pair["completion"].startswith("né ")
        assert [m["role"] for m in chat["messages"]] == ["user", "assistant"]
        assert chat["messages"][1]["content"] == pair["completion"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_it_is_and_whether_the_mask_holds(dataset: Path, name: str) -> None:
    files = export(dataset, name, Path("x"), max_length=LENGTH)
    assert len(files) > 1
    card = Path("x/README.md").read_text()
    assert load(dataset).manifest["build"] in card
    assert ("tokenizes it again" in card) != FORMATS[name].keeps_mask


def test_wrong_requests_end_in_a_way_out(dataset: Path) -> None:
    with pytest.raises(SftdataError, match=r"no format 'tlr'(?s:.*)Did you mean 'trl'"):
        export(dataset, "tlr", Path("x"))
    with pytest.raises(SftdataError, match="--max-length"):
        export(dataset, "megatron", Path("x"))
    with pytest.raises(SftdataError, match="sftdata pack"):
        export(dataset, "megatron", Path("x"), max_length=9999)
    Path("full").mkdir()
    Path("full/file").touch()
    with pytest.raises(SftdataError, match="not empty"):
        export(dataset, "trl", Path("full"))
