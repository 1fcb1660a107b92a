"""The loss is exact: of targets only, for any split of a step, packed or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from support.tiny_models import MODELS, gpt2, llama

from sftdata.loading.dataset import Dataset, Example
from sftdata.loading.order import StepPlan
from sftdata.loading.packing import plan_packs
from sftdata_train.training.batches import PackUnits, RowUnits, StepDataset, Units, collate
from sftdata_train.training.loss import target_loss

PAD = 256


def step_gradients(
    model: Any, units: Units, *, micro_batch: int, accumulate: int, ranks: int = 1
) -> tuple[float, list[torch.Tensor]]:
    """Loss and gradients of an epoch's first step, summed over the ranks."""
    plan = StepPlan(units.tokens, units.targets, 0, micro_batch, accumulate, ranks)
    dataset = StepDataset(units, PAD)
    model.zero_grad()
    total = 0.0
    for rank in range(ranks):
        for micro, _ in zip(plan.iterate_epoch(0, rank), range(accumulate), strict=False):
            batch = dataset[micro]
            loss = target_loss(model, batch, model.get_output_embeddings())
            (loss / batch["step_targets"]).backward()
            total += loss.item() / batch["step_targets"]
    return total, [p.grad.clone() for p in model.parameters()]


def plain_loss(model: Any, examples: list[Example]) -> torch.Tensor:
    """The loss row by row with all logits: what everything else must equal."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    for example in examples:
        ids = torch.tensor(example.input_ids.astype(np.int64))[None]
        labels = torch.tensor(example.labels.astype(np.int64))
        logits = model(input_ids=ids, use_cache=False).logits[0]
        total = total + F.cross_entropy(logits[:-1], labels[1:], reduction="sum")
        count += int((labels != -100).sum())
    return total / count


def assert_equal(found: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    size = max(float(e.abs().max()) for e in expected)
    assert size > 0
    for f, e in zip(found, expected, strict=True):
        assert float((f - e).abs().max()) <= 1e-6 * size


@pytest.mark.parametrize("family", MODELS)
def test_selected_logits_give_the_loss_and_gradients_of_full_logits(
    family: str, data: Dataset
) -> None:
    model = MODELS[family]()
    rows = [data["train"][i] for i in range(6)]
    expected = plain_loss(model, rows)
    expected.backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    batch = collate([[row] for row in rows], PAD)
    targets = int(data["train"].target_counts[:6].sum())
    loss = target_loss(model, batch, model.get_output_embeddings()) / targets
    loss.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    assert_equal([p.grad for p in model.parameters()], gradients)


def test_the_vocabulary_projection_sees_target_positions_only(data: Dataset) -> None:
    model = llama()
    seen = []
    head = model.get_output_embeddings()
    handle = head.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    target_loss(model, collate([[data["train"][0]], [data["train"][1]]], PAD), head)
    handle.remove()
    assert seen == [(int(data["train"].target_counts[:2].sum()), 257)]


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.parametrize(
    ("micro_batch", "accumulate", "ranks"), [(4, 2, 1), (2, 4, 1), (1, 8, 1), (2, 2, 2)]
)
def test_gradients_do_not_depend_on_how_a_step_is_split(
    family: str, micro_batch: int, accumulate: int, ranks: int, data: Dataset
) -> None:
    model, units = MODELS[family](), RowUnits(data["train"])
    loss, expected = step_gradients(model, units, micro_batch=8, accumulate=1)
    split, gradients = step_gradients(
        model, units, micro_batch=micro_batch, accumulate=accumulate, ranks=ranks
    )
    assert split == pytest.approx(loss, rel=1e-9)
    assert_equal(gradients, expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", MODELS)
def test_packed_loss_and_gradients_equal_unpacked_ones(
    family: str, attention: str, data: Dataset
) -> None:
    model, split = MODELS[family](), data["train"][:12]
    model.set_attn_implementation(attention)
    plan = plan_packs(split.lengths, 600)
    assert len(plan) < len(split) / 2
    loss, expected = step_gradients(model, RowUnits(split), micro_batch=len(split), accumulate=1)
    for micro_batch in (1, len(plan)):
        packed, gradients = step_gradients(
            model,
            PackUnits(split, plan),
            micro_batch=micro_batch,
            accumulate=-(-len(plan) // micro_batch),
        )
        assert packed == pytest.approx(loss, rel=1e-9)
        assert_equal(gradients, expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packs_need_no_more_learned_positions_than_their_longest_row(
    attention: str, data: Dataset
) -> None:
    split = data["train"][:12]
    model = gpt2(positions=int(split.lengths.max()))
    model.set_attn_implementation(attention)
    plan = plan_packs(split.lengths, 600)
    assert 2 * int(split.lengths.max()) < 600
    loss, expected = step_gradients(model, RowUnits(split), micro_batch=len(split), accumulate=1)
    # The last pack is short, so most of its sequence is padding.
    packed, gradients = step_gradients(
        model, PackUnits(split, plan), micro_batch=len(plan), accumulate=1
    )
    assert packed == pytest.approx(loss, rel=1e-9)
    assert_equal(gradients, expected)


@pytest.mark.parametrize("family", MODELS)
def test_without_boundaries_the_packed_loss_is_another_one(family: str, data: Dataset) -> None:
    model, rows = MODELS[family](), [data["train"][i] for i in range(3)]
    batch = collate([rows], PAD)
    head = model.get_output_embeddings()
    right = target_loss(model, batch, head).item()
    batch["position_ids"] = torch.arange(batch["input_ids"].shape[1])[None]
    assert abs(target_loss(model, batch, head).item() - right) > 1e-4 * right


def test_a_mask_with_several_turns_is_counted_by_the_mask() -> None:
    model = llama()
    mask = np.array([0, 1, 1, 0, 0, 1], np.bool_)
    example = Example("r", "t", np.array([1, 2, 3, 4, 5, 6], np.int32), mask, 1)
    found = target_loss(model, collate([[example]], 0), model.get_output_embeddings())
    assert found.item() == pytest.approx(plain_loss(model, [example]).item() * 3, rel=1e-12)


def test_a_filler_adds_nothing_and_still_gives_gradients(data: Dataset) -> None:
    model, units = llama(), RowUnits(data["train"])
    plan = StepPlan(units.tokens, units.targets, 0, 1, 1, ranks=len(data["train"]) + 1)
    filler = next(plan.iterate_epoch(0, rank=len(data["train"])))
    loss = target_loss(model, StepDataset(units, PAD)[filler], model.get_output_embeddings())
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())
