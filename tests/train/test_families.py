"""Loss and gradients are those of plain transformers, for each family that people fine-tune."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.model_families import EXPERTS, FAMILIES, make_model

from sftdata.loading.dataset import Example
from sftdata_train.training.batches import collate
from sftdata_train.training.loss import target_loss
from sftdata_train.training.loss_check import check_loss
from sftdata_train.training.packing_check import check_boundaries
from sftdata_train.training.router_loss import compute_router_loss, record_outputs

PAD = 256


@pytest.fixture(scope="module")
def rows() -> list[Example]:
    """Rows longer than a sliding window, whose padding is shorter than one."""
    draw = np.random.default_rng(0)
    examples = []
    for i, length in enumerate((60, 71, 99, 83, 64, 90)):
        mask = np.arange(length) >= length // 2
        mask[-3] = False  # as between two turns
        ids = draw.integers(0, PAD, length).astype(np.int32)
        examples.append(Example(str(i), "t", ids, mask, length // 2))
    return examples


def plain(model: Any, batch: dict[str, Any], **options: Any) -> tuple[Any, list[torch.Tensor]]:
    """Outputs and gradients as everybody computes them: a padded batch, its mask, its labels."""
    mask, ids = batch["is_token"].long(), batch["input_ids"]
    model.zero_grad()
    outputs = model(
        input_ids=ids, attention_mask=mask, labels=batch["labels"], use_cache=False, **options
    )
    outputs.loss.backward()
    return outputs, gradients(model)


def gradients(model: Any) -> list[torch.Tensor]:
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


def assert_close(found: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    """Within 1e-6 of the largest gradient. transformers rounds logits to float32, we do not."""
    size = max(float(e.abs().max()) for e in expected)
    assert size > 0
    for f, e in zip(found, expected, strict=True):
        assert float((f - e).abs().max()) <= 1e-6 * size


@pytest.mark.parametrize("family", FAMILIES)
def test_padded_and_packed_rows_have_the_loss_and_gradients_of_transformers(
    family: str, rows: list[Example]
) -> None:
    model = make_model(family)
    padded = collate([[row] for row in rows], PAD)
    packed = collate([rows[:4], rows[4:]], PAD)  # the second is padded
    targets = sum(int(row.label_mask[1:].sum()) for row in rows)
    outputs, expected = plain(model, padded)
    for batch in (padded, packed):
        model.zero_grad()
        loss = target_loss(model, batch, model.get_output_embeddings()) / targets
        loss.backward()
        assert loss.item() == pytest.approx(outputs.loss.item(), rel=1e-6)
        assert_close(gradients(model), expected)
    check_loss(model, rows, PAD)
    check_boundaries(model, rows, PAD)


@pytest.mark.parametrize("family", EXPERTS)
def test_the_router_loss_is_that_of_transformers(family: str, rows: list[Example]) -> None:
    model = make_model(family)
    batch = collate([[row] for row in rows], PAD)
    outputs, expected = plain(model, batch, output_router_logits=True)
    targets = sum(int(row.label_mask[1:].sum()) for row in rows)
    model.zero_grad()
    with record_outputs(model) as found:
        loss = target_loss(model, batch, model.get_output_embeddings())
    router = compute_router_loss(model, found[0], batch["is_token"])
    (loss / targets + router).backward()
    assert router.item() > 0
    assert (loss / targets + router).item() == pytest.approx(outputs.loss.item(), rel=1e-6)
    assert_close(gradients(model), expected)
