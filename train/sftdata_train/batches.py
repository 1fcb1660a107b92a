"""Batches: examples as tensors, one or several to a sequence.

A sequence holds one example, or a pack of them. Positions start again with each example, which is
how a model tells that attention must not cross over: transformers makes a block-diagonal mask of
them for eager, SDPA and flex attention, and FlashAttention takes the boundaries themselves.
Padding is at the right and belongs to the last example; being later than every target, it changes
nothing under causal attention, so no padding mask is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from sftdata.loading.dataset import IGNORED, Example, Split
from sftdata.loading.order import MicroBatch, Place, rows_from
from sftdata.loading.packing import PackPlan

Tensors = dict[str, Any]  # tensors by name, and counts as plain numbers


class Units(Protocol):
    """What a step is made of: examples, or packs of examples."""

    tokens: Any  # int64[units]
    targets: Any  # int64[units], tokens that count in the loss

    def __getitem__(self, unit: int) -> list[Example]:
        """The examples of a unit."""
        ...


class RowUnits:
    """Every example is a unit of its own."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.tokens, self.targets = split.lengths, split.target_counts

    def __getitem__(self, unit: int) -> list[Example]:
        return [self.split[unit]]


class PackUnits:
    """Every pack of a plan is a unit."""

    def __init__(self, split: Split, plan: PackPlan) -> None:
        self.split, self.plan = split, plan
        self.tokens, self.targets = plan.tokens, plan.sum_by_pack(split.target_counts[plan.rows])

    def __getitem__(self, unit: int) -> list[Example]:
        return [self.split[int(row)] for row in self.plan[unit]]


def collate(sequences: Sequence[Sequence[Example]], pad_id: int) -> Tensors:
    """The sequences as one batch, padded at the right to the longest.

    `input_ids`, `labels` (-100 where ignored, unshifted), `position_ids`: int64[sequences, width].
    `boundaries`: int32[examples + 1], where each example starts in the flattened batch; its end.
    """
    width = max(sum(len(e.input_ids) for e in sequence) for sequence in sequences)
    shape = (len(sequences), width)
    input_ids = np.full(shape, pad_id, np.int64)
    labels = np.full(shape, IGNORED, np.int64)
    position_ids = np.empty(shape, np.int64)
    starts = []
    for i, sequence in enumerate(sequences):
        at = 0
        for example in sequence:
            end = at + len(example.input_ids)
            input_ids[i, at:end] = example.input_ids
            # The first token of an example is predicted by nothing, least of all by another one.
            labels[i, at + 1 : end] = example.labels[1:]
            position_ids[i, at:] = np.arange(width - at)
            starts.append(i * width + at)
            at = end
    return {
        "input_ids": torch.from_numpy(input_ids),
        "labels": torch.from_numpy(labels),
        "position_ids": torch.from_numpy(position_ids),
        "boundaries": torch.tensor([*starts, input_ids.size], dtype=torch.int32),
    }


class StepDataset(Dataset[Tensors]):
    """Micro-batches of a `StepPlan` as tensors, with what their step adds up to."""

    def __init__(self, units: Units, pad_id: int) -> None:
        self.units, self.pad_id = units, pad_id

    def __len__(self) -> int:
        return len(self.units.tokens)

    def __getitem__(self, micro_batch: MicroBatch) -> Tensors:
        batch = collate([self.units[unit] for unit in micro_batch.units], self.pad_id)
        if not micro_batch.counts:
            batch["labels"].fill_(IGNORED)
        counts = {
            "step_targets": micro_batch.step_targets,
            "step_tokens": micro_batch.step_tokens,
        }
        return batch | counts


class RowDataset(Dataset[Tensors]):
    """The rows of a split by place, as tensors; for a training loop of one's own."""

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, row: int) -> Tensors:
        return _tensors(self.split[row])


class RowStream(IterableDataset[Tensors]):
    """The rows of one rank from a place to the end of the epoch, shuffled.

    `batch_size` is that of the `DataLoader`: its processes take turns batch by batch, so that the
    rows arrive in the same order for any number of them. After `n` rows have arrived,
    `place_after(n)` is the state to save, and a stream from there goes on with the next row.
    """

    def __init__(
        self, split: Split, place: Place, *, batch_size: int = 1, rank: int = 0, ranks: int = 1
    ) -> None:
        self.split, self.place = split, place
        self.batch_size, self.rank, self.ranks = batch_size, rank, ranks

    def __iter__(self) -> Iterator[Tensors]:
        worker = get_worker_info()
        mine, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        rows = rows_from(self.place, len(self.split), rank=self.rank, ranks=self.ranks)
        for i, (row, _) in enumerate(rows):
            if i // self.batch_size % workers == mine:
                yield _tensors(self.split[row])

    def place_after(self, rows: int) -> Place:
        """The place when this rank, and every other, has received so many rows."""
        taken = min(self.place.taken + rows * self.ranks, len(self.split))
        return Place(self.place.seed, self.place.epoch, taken)


def _tensors(example: Example) -> Tensors:
    return {
        "input_ids": torch.from_numpy(example.input_ids.astype(np.int64)),
        "labels": torch.from_numpy(example.labels.astype(np.int64)),
    }
