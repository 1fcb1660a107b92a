"""Rows as torch datasets: mapped, streamed, shared by processes, and resumed at the exact row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from sftdata.loading.dataset import Dataset, load
from sftdata.loading.order import Place, shuffled
from sftdata.loading.packing import plan_packs
from sftdata_train.batches import PackUnits, RowDataset, RowStream

# What PyTorch and Python say about processes on a small machine is no fault of the rows.
in_any_place = pytest.mark.filterwarnings(
    "ignore:This process.*is multi-threaded:DeprecationWarning",
    "ignore:This DataLoader will create:UserWarning",
)


def rows_of(stream: RowStream, workers: int, data: Dataset) -> list[int]:
    """The rows in the order a `DataLoader` gives them."""
    by_ids = {tuple(example.input_ids.tolist()): i for i, example in enumerate(data["train"])}
    loader = DataLoader(
        stream, batch_size=stream.batch_size, num_workers=workers, collate_fn=_items
    )
    return [by_ids[tuple(item["input_ids"].tolist())] for batch in loader for item in batch]


def _items(items: list[dict[str, torch.Tensor]]) -> list[dict[str, torch.Tensor]]:
    return items


@in_any_place
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_rows_arrive_in_one_order_for_any_number_of_workers(workers: int, data: Dataset) -> None:
    stream = RowStream(data["train"], Place(5, epoch=1), batch_size=4)
    assert rows_of(stream, workers, data) == shuffled(len(data["train"]), 5, 1).tolist()


@in_any_place
@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_goes_on_at_the_exact_row(workers: int, data: Dataset) -> None:
    place = Place(5)
    whole = rows_of(RowStream(data["train"], place, batch_size=3), 0, data)
    taken = RowStream(data["train"], place, batch_size=3).place_after(7)
    state = Place.from_json(taken.to_json())
    rest = rows_of(RowStream(data["train"], state, batch_size=3), workers, data)
    assert rest == whole[7:]


def test_ranks_share_a_stream_and_agree_on_the_place(data: Dataset) -> None:
    streams = [RowStream(data["train"], Place(5), rank=r, ranks=2) for r in range(2)]
    parts = [rows_of(stream, 0, data) for stream in streams]
    assert sorted(parts[0] + parts[1]) == list(range(len(data["train"])))
    assert streams[0].place_after(4) == streams[1].place_after(4) == Place(5, 0, 8)


def test_a_row_has_its_ids_and_labels(data: Dataset) -> None:
    rows = RowDataset(data["train"])
    assert len(rows) == len(data["train"])
    for i in range(3):
        assert rows[i]["input_ids"].tolist() == data["train"][i].input_ids.tolist()
        assert rows[i]["labels"].tolist() == data["train"][i].labels.tolist()


def test_packs_have_the_targets_of_their_rows(dataset: Path) -> None:
    split = load(dataset)["train"]
    units = PackUnits(split, plan_packs(split.lengths, 500))
    assert units.targets.sum() == split.target_counts.sum()
    for pack in range(len(units.tokens)):
        examples = units[pack]
        assert units.tokens[pack] == sum(len(e.input_ids) for e in examples)
        assert units.targets[pack] == sum(e.label_mask.sum() for e in examples)
