"""Batches: examples as tensors, one or several to a sequence.

Positions restart with each example of a pack. From them transformers makes a block-diagonal mask
for eager, SDPA and flex attention, so that no example attends to another; FlashAttention gets the
boundaries themselves. Padding is on the right, after every target, so under causal attention it
changes nothing and needs no mask. After a pack it is a segment of its own: were its positions those
of the last example going on, they could be more than the model has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from sftdata.loading.dataset import IGNORED, Example, Split
from sftdata.loading.order import MicroBatch
from sftdata.loading.packing import PackPlan

_NARROWEST = 128
Tensors = dict[str, Any]  # tensors by name, and counts as plain integers


class Units(Protocol):
    """The units that steps are made of: examples, or packs of examples."""

    tokens: Any  # int64[units]
    targets: Any  # int64[units], tokens in the loss

    def __getitem__(self, unit: int) -> list[Example]:
        """The examples of a unit."""
        ...


class RowUnits:
    """Each example is a unit."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.tokens, self.targets = split.lengths, split.target_counts

    def __getitem__(self, unit: int) -> list[Example]:
        return [self.split[unit]]


class PackUnits:
    """Each pack of a plan is a unit."""

    def __init__(self, split: Split, plan: PackPlan) -> None:
        self.split, self.plan = split, plan
        self.tokens, self.targets = plan.tokens, plan.sum_by_pack(split.target_counts[plan.rows])

    def __getitem__(self, unit: int) -> list[Example]:
        return [self.split[int(row)] for row in self.plan[unit]]


def choose_width(tokens: int, longest: int) -> int:
    """One of few widths: a power of two from 128 on, or that of the longest unit.

    Flex attention compiles for each width anew.
    """
    return min(max(_NARROWEST, 1 << (tokens - 1).bit_length()), longest)


def collate(
    sequences: Sequence[Sequence[Example]], pad_id: int, longest: int | None = None
) -> Tensors:
    """The sequences as one batch, padded on the right to the longest.

    `longest`: tokens of the longest unit, to have few widths (see `choose_width`).

    `input_ids`, `labels` (-100 where ignored, not shifted), `position_ids`:
    int64[sequences, width]. `is_token`: bool of the same shape, false for padding. `boundaries`:
    int32[segments + 1], the start of each example in the flattened batch, or of a pack's padding,
    and the end of the batch.
    """
    is_packed = any(len(sequence) > 1 for sequence in sequences)
    longest_example = max(len(e.input_ids) for sequence in sequences for e in sequence)
    width = max(sum(len(e.input_ids) for e in sequence) for sequence in sequences)
    if longest is not None:
        width = choose_width(width, longest)
    shape = (len(sequences), width)
    input_ids = np.full(shape, pad_id, np.int64)
    labels = np.full(shape, IGNORED, np.int64)
    position_ids = np.empty(shape, np.int64)
    is_token = np.zeros(shape, np.bool_)
    starts = []
    for i, sequence in enumerate(sequences):
        at = 0
        for example in sequence:
            end = at + len(example.input_ids)
            input_ids[i, at:end] = example.input_ids
            is_token[i, at:end] = True
            # Never predict the first token of an example: the one before belongs to another.
            labels[i, at + 1 : end] = example.labels[1:]
            position_ids[i, at:] = np.arange(width - at)
            starts.append(i * width + at)
            at = end
        # One example to a sequence keeps plain positions, for which transformers needs no mask.
        if is_packed and at < width:
            position_ids[i, at:] = np.arange(width - at) % longest_example
            starts.append(i * width + at)
    return {
        "input_ids": torch.from_numpy(input_ids),
        "labels": torch.from_numpy(labels),
        "position_ids": torch.from_numpy(position_ids),
        "is_token": torch.from_numpy(is_token),
        "boundaries": torch.tensor([*starts, input_ids.size], dtype=torch.int32),
    }


def to_device(batch: Tensors, device: torch.device) -> Tensors:
    """The tensors of a batch on a device."""
    return {name: tensor.to(device) for name, tensor in batch.items()}


class StepDataset(Dataset[Tensors]):
    """Micro-batches of a `StepPlan` as tensors, with the sums of their step."""

    def __init__(self, units: Units, pad_id: int) -> None:
        self.units, self.pad_id = units, pad_id
        self.longest: int | None = None  # tokens of the longest unit, to have few widths

    def __len__(self) -> int:
        return len(self.units.tokens)

    def __getitem__(self, micro_batch: MicroBatch) -> Tensors:
        batch = collate([self.units[unit] for unit in micro_batch.units], self.pad_id, self.longest)
        if not micro_batch.is_counted:
            batch["labels"].fill_(IGNORED)
            batch["is_token"].fill_(False)
        counts = {
            "step_targets": micro_batch.step_targets,
            "step_tokens": micro_batch.step_tokens,
        }
        return batch | counts
