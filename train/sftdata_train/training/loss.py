"""The loss: cross entropy summed over target tokens, computed from the logits of those alone.

A token is predicted at the position before it. Only the hidden states of these positions go into
the vocabulary projection: logits are the largest tensor of a step, and in summaries about 90 % of
the positions belong to the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the usual name)

from sftdata.errors import SftdataError
from sftdata.loading.dataset import IGNORED


def target_loss(
    model: torch.nn.Module, batch: Mapping[str, Any], head: torch.nn.Module
) -> torch.Tensor:
    """The cross entropy summed over the target tokens of a batch, in float32 or float64.

    `head` projects hidden states to the vocabulary; `model` may be wrapped, for example in DDP.
    """
    logits, labels, _ = _target_logits(model, batch, head)
    return F.cross_entropy(logits, labels, reduction="sum")


def row_losses(
    model: torch.nn.Module, batch: Mapping[str, Any], head: torch.nn.Module
) -> torch.Tensor:
    """float64[rows]: the same loss, summed over the target tokens of each row of a batch."""
    logits, labels, rows = _target_logits(model, batch, head)
    losses = F.cross_entropy(logits, labels, reduction="none").double()
    sums = torch.zeros(len(batch["labels"]), dtype=torch.float64, device=losses.device)
    return sums.index_add(0, rows, losses)


def _target_logits(
    model: torch.nn.Module, batch: Mapping[str, Any], head: torch.nn.Module
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits of the target tokens [targets, vocabulary], their labels, and their rows."""
    labels = batch["labels"]
    rows, columns = torch.nonzero(labels[:, 1:] != IGNORED, as_tuple=True)
    with _select_positions(head, rows, columns):
        logits = model(**make_model_inputs(model, batch)).logits
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return logits, labels[rows, columns + 1], rows


def find_output_head(model: Any) -> torch.nn.Module:
    """The vocabulary projection of a model, with or without an adapter."""
    head = model.get_output_embeddings()
    if not isinstance(head, torch.nn.Module):
        raise SftdataError(
            f"{type(model).__name__} has no vocabulary projection to train on.", code="E902"
        )
    return head


def make_model_inputs(model: torch.nn.Module, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for a model: ids, positions, and for FlashAttention the boundaries."""
    # With a cache, even an empty one, transformers ignores the boundaries of packed examples.
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")} | {"use_cache": False}
    if _attention(model).startswith("flash"):
        boundaries = batch["boundaries"]
        longest = int(boundaries.diff().max())
        inputs |= {f"cu_seq_lens_{side}": boundaries for side in "qk"}
        inputs |= {f"max_length_{side}": longest for side in "qk"}
    return inputs


def _attention(model: torch.nn.Module) -> str:
    model = getattr(model, "module", model)  # unwrap DistributedDataParallel
    return str(getattr(model.config, "_attn_implementation", ""))


@contextmanager
def _select_positions(
    head: torch.nn.Module, rows: torch.Tensor, columns: torch.Tensor
) -> Iterator[None]:
    """Within the context, `head` gets the hidden states at these positions only."""

    def select(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return inputs[0][rows, columns]

    handle = head.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()
