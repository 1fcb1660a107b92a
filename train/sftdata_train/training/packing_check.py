"""Check that a model keeps the examples of a pack apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Example
from sftdata_train.models.inference import computes_exactly, inference
from sftdata_train.models.model_loading import name_class
from sftdata_train.training.batches import collate, to_device
from sftdata_train.training.loss import make_model_inputs


def check_boundaries(model: Any, examples: Sequence[Example], pad_id: int) -> None:
    """Raises when the model attends from one example of a pack to another.

    Not every model makes a block-diagonal mask from restarting positions, and Mamba carries its
    state on; these would train on mixed examples silently. Compares the logits of an example alone
    with those in a small pack, beside a sequence that is padded. Then other tokens stand before it,
    which must change nothing: that is seen where a model mixes only a little.
    """
    first, second = (shorten_example(example) for example in examples[:2])
    other = replace(first, input_ids=np.roll(first.input_ids, 1))
    device = next(model.parameters()).device
    with inference(model):
        alone = _logits(model, collate([[second]], pad_id), device)
        packed = _logits(model, collate([[first, second], [second]], pad_id), device)
        changed = _logits(model, collate([[other, second], [second]], pad_id), device)
    at, scale = len(first.input_ids), float(alone.abs().max())
    # Experts compute in other groups of tokens after a change, and round otherwise.
    near, nothing = (1e-3, 1e-5) if computes_exactly(model) else (5e-2, 2e-2)
    beside = float((packed[at:] - alone).abs().max())
    after = float((changed[at:] - packed[at:]).abs().max())
    if beside > near * scale or after > nothing * scale:
        raise SftdataError(
            f"{name_class(model)} mixes the examples of a pack: the logits of an example change by "
            f"{max(beside, after):.3g} (largest logit: {scale:.3g}) when another one stands before "
            "it.",
            "Train without --packed, or with another --attention.",
            code="E902",
        )


def _logits(model: Any, batch: dict[str, Any], device: torch.device) -> torch.Tensor:
    inputs = make_model_inputs(model, to_device(batch, device))
    logits: torch.Tensor = model(**inputs).logits[0]
    return logits


def shorten_example(example: Example, tokens: int = 32) -> Example:
    """Up to `tokens` tokens around the first target."""
    start = max(0, min(example.target_start - tokens // 2, len(example.input_ids) - tokens))
    end = start + tokens
    ids, mask = example.input_ids[start:end], example.label_mask[start:end]
    return Example(example.row_id, example.template, ids, mask, example.target_start - start)
