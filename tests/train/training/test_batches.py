"""Batches: examples and packs as tensors, and the sums of a pack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sftdata.loading.dataset import Example, load
from sftdata.loading.order import StepPlan
from sftdata.loading.packing import plan_packs
from sftdata_train.training.batches import PackUnits, StepDataset, choose_width, collate


def test_a_batch_a_reader_can_check() -> None:
    def example(*ids: int, start: int) -> Example:
        mask = np.arange(len(ids)) >= start
        return Example("r", "t", np.array(ids, np.int32), mask, start)

    batch = collate(
        [[example(5, 6, 7, start=1), example(8, 9, start=1)], [example(1, 2, start=1)]], 0
    )
    #                                             5     6  7     8  9
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9], [1, 2, 0, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 6, 7, -100, 9], [-100, 2, -100, -100, -100]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1], [0, 1, 0, 1, 2]]
    assert batch["boundaries"].tolist() == [0, 3, 5, 7, 10]


def test_padding_after_a_pack_has_no_positions_past_its_longest_example() -> None:
    def example(tokens: int) -> Example:
        return Example("r", "t", np.ones(tokens, np.int32), np.ones(tokens, np.bool_), 0)

    packed = collate([[example(2), example(2), example(2)], [example(1)]], 0)
    assert packed["position_ids"][1].tolist() == [0, 0, 1, 0, 1, 0]
    plain = collate([[example(4)], [example(1)]], 0)
    assert plain["position_ids"][1].tolist() == [0, 1, 2, 3]
    assert plain["boundaries"].tolist() == [0, 4, 8]


def test_batches_for_flex_attention_have_few_widths() -> None:
    widths = {choose_width(tokens, longest=1500) for tokens in range(1, 1501)}
    assert sorted(widths) == [128, 256, 512, 1024, 1500]
    assert choose_width(90, longest=100) == 100
    example = Example("r", "t", np.ones(3, np.int32), np.ones(3, np.bool_), 0)
    batch = collate([[example]], 0, longest=5)
    assert batch["input_ids"].tolist() == [[1, 1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, 1, 1, -100, -100]]
    assert batch["is_token"].tolist() == [[True, True, True, False, False]]


def test_a_first_token_is_never_a_label_of_the_example_before_it() -> None:
    whole = np.ones(2, np.bool_)
    example = Example("r", "t", np.array([3, 4], np.int32), whole, 0)
    assert collate([[example, example]], 0)["labels"].tolist() == [[-100, 4, -100, 4]]


def test_packs_have_the_targets_of_their_rows(dataset: Path) -> None:
    split = load(dataset)["train"]
    units = PackUnits(split, plan_packs(split.lengths, 500))
    assert units.targets.sum() == split.target_counts.sum()
    for pack in range(len(units.tokens)):
        examples = units[pack]
        assert units.tokens[pack] == sum(len(e.input_ids) for e in examples)
        assert units.targets[pack] == sum(e.label_mask.sum() for e in examples)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_any_start_method_make_the_same_batches(dataset: Path, method: str) -> None:
    split = load(dataset)["train"]
    units = PackUnits(split, plan_packs(split.lengths, 500))
    steps, micro_batches = StepDataset(units, 0), StepPlan(units.tokens, units.targets, 0)
    order = list(micro_batches.iterate_epoch(0))[:2]
    loader: DataLoader[dict[str, torch.Tensor]] = DataLoader(
        steps, sampler=order, batch_size=None, num_workers=1, multiprocessing_context=method
    )  # fmt: skip
    for made, micro_batch in zip(loader, order, strict=True):
        expected = steps[micro_batch]
        assert made["step_targets"] == expected["step_targets"]
        for name in ("input_ids", "labels", "position_ids", "boundaries"):
            torch.testing.assert_close(made[name], expected[name])
