"""Inference: run a model that may be in training, and leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def inference(model: Any) -> Iterator[None]:
    """Within the context, the model has no dropout and records no gradients."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def computes_exactly(model: Any) -> bool:
    """Whether the model computes in float32 or more, here and now."""
    weights = next(model.parameters())
    return weights.dtype.itemsize >= 4 and not torch.is_autocast_enabled(weights.device.type)
