"""The loss: cross entropy summed over target tokens, with logits for nothing else.

A token's label is predicted at the position before it. Only the hidden states at those positions
go into the vocabulary projection: for summaries some 90 % of positions are prompt, and logits are
the largest tensor of a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (as everyone calls it)

from sftdata.loading.dataset import IGNORED


def target_loss(
    model: torch.nn.Module, batch: Mapping[str, Any], head: torch.nn.Module
) -> torch.Tensor:
    """The cross entropy summed over the target tokens of a batch, in float32 or better.

    `head` is the module that projects hidden states to the vocabulary; `model` may be wrapped.
    """
    labels = batch["labels"]
    rows, columns = torch.nonzero(labels[:, 1:] != IGNORED, as_tuple=True)
    with _only(head, rows, columns):
        logits = model(**model_inputs(model, batch)).logits  # [targets, vocabulary]
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return F.cross_entropy(logits, labels[rows, columns + 1], reduction="sum")


def model_inputs(model: torch.nn.Module, batch: Mapping[str, Any]) -> dict[str, Any]:
    """What a model is called with: ids and positions, and boundaries where attention takes them."""
    # With a cache, even an empty one, transformers does not look for packed examples.
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")} | {"use_cache": False}
    if _attention(model).startswith("flash"):
        boundaries = batch["boundaries"]
        longest = int(boundaries.diff().max())
        inputs |= {f"cu_seq_lens_{side}": boundaries for side in "qk"}
        inputs |= {f"max_length_{side}": longest for side in "qk"}
    return inputs


def _attention(model: torch.nn.Module) -> str:
    model = getattr(model, "module", model)  # out of DistributedDataParallel
    return str(getattr(model.config, "_attn_implementation", ""))


@contextmanager
def _only(head: torch.nn.Module, rows: torch.Tensor, columns: torch.Tensor) -> Iterator[None]:
    """While it lasts, `head` sees the hidden states at these places alone."""

    def select(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return inputs[0][rows, columns]

    handle = head.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()
