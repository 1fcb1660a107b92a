"""The load-balancing loss of a mixture of experts, as transformers computes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sftdata.errors import SftdataError
from sftdata_train.models.model_loading import without_adapter

_COEFFICIENT = "router_aux_loss_coef"  # in the configs of transformers
_FUNCTION = "load_balancing_loss_func"  # in each module of a model that has this loss


def find_coefficient(config: Any) -> float | None:
    """The weight of the loss in a model's config; None for a model without experts."""
    return getattr(config.get_text_config(), _COEFFICIENT, None) or None


def check_router_loss(config: Any) -> None:
    """Raises `SftdataError` for a model whose config has no such loss."""
    if find_coefficient(config) is None:
        raise SftdataError(
            f"--router-loss: the model ({config.model_type}) has no experts, or its config has no "
            f"{_COEFFICIENT}.",
            "Train without --router-loss.",
            code="E902",
        )


@contextmanager
def record_outputs(model: Any) -> Iterator[list[Any]]:
    """Within the context, the model returns the logits of its routers, and its outputs are kept."""
    base, kept = without_adapter(model), list[Any]()

    def ask(module: torch.nn.Module, given: Any, named: dict[str, Any]) -> Any:
        return given, named | {"output_router_logits": True}

    hooks = [
        base.register_forward_pre_hook(ask, with_kwargs=True),
        base.register_forward_hook(lambda module, given, outputs: kept.append(outputs)),
    ]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def compute_router_loss(model: Any, outputs: Any, is_token: torch.Tensor) -> torch.Tensor:
    """The loss of a micro-batch, times its coefficient. Padding is left out.

    It is no sum over tokens, so another split of a step gives another one.
    """
    base = without_adapter(model)
    compute = getattr(sys.modules[type(base).__module__], _FUNCTION, None)
    if compute is None or getattr(outputs, "router_logits", None) is None:
        raise SftdataError(
            f"--router-loss: {type(base).__name__} does not return what its routers chose.",
            "Train without --router-loss.",
            code="E902",
        )
    loss = compute(outputs.router_logits, base.num_experts, base.num_experts_per_tok, is_token)
    coefficient = find_coefficient(base.config) or 0.0
    return coefficient * torch.as_tensor(loss)
