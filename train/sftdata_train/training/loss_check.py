"""Check that a model's loss is the same as with plain logits, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the usual name)

from sftdata.errors import SftdataError
from sftdata.loading.dataset import IGNORED, Example
from sftdata_train.models.inference import computes_exactly, inference
from sftdata_train.models.model_loading import first_line, name_class
from sftdata_train.training.batches import collate, to_device
from sftdata_train.training.loss import find_output_head, target_loss
from sftdata_train.training.packing_check import shorten_example


def check_loss(model: Any, examples: Sequence[Example], pad_id: int) -> None:
    """Raises when the model cannot be trained exactly, before the first step.

    Compares the loss of two short examples, padded and with the logits of their targets only, with
    that of each alone and with all logits. Other models fail in hundreds of ways, each with an
    error of its own: here they end in one message.
    """
    pair = [shorten_example(example) for example in examples[:2]]
    device = next(model.parameters()).device
    try:
        with inference(model):
            batch = to_device(collate([[example] for example in pair], pad_id), device)
            found = float(target_loss(model, batch, find_output_head(model)))
            plain = sum(_plain_loss(model, example, device) for example in pair)
    except (SftdataError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # the code of hundreds of models
        raise SftdataError(
            f"{name_class(model)} ({model.config.model_type}) cannot be trained: "
            f"{first_line(error)}",
            "Check that this version of transformers supports it as a causal language model, or "
            "try other modules with --targets.",
            code="E902",
        ) from error
    tolerance = 1e-3 if computes_exactly(model) else 5e-2
    if abs(found - plain) > tolerance * max(abs(plain), 1):
        raise SftdataError(
            f"{name_class(model)} ({model.config.model_type}) cannot be trained exactly: the "
            f"loss of two rows is {found:.6g} in a padded batch with the logits of targets, and "
            f"{plain:.6g} row by row with all logits.",
            "The model uses the padding, or changes logits after its vocabulary projection. Train "
            "it with another tool on: sftdata export DATASET --to trl",
            code="E902",
        )


def _plain_loss(model: Any, example: Example, device: torch.device) -> float:
    ids = torch.tensor(example.input_ids.astype("int64"), device=device)[None]
    labels = torch.tensor(example.labels.astype("int64"), device=device)
    logits = model(input_ids=ids, use_cache=False).logits[0].double()
    loss = F.cross_entropy(logits[:-1], labels[1:], reduction="sum", ignore_index=IGNORED)
    return float(loss)
