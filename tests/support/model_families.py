"""A small random model of each family that people fine-tune, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from support.tiny_models import VOCABULARY, gpt2, llama

_COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.1,
    "pad_token_id": 256,
    "eos_token_id": 256,
    "bos_token_id": None,
}
_WINDOW = 48  # shorter than the rows, so that it acts
# What a family adds to a Llama: windows, caps, scales, several kinds of layers, experts.
_FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "mistral": ("Mistral", {"sliding_window": _WINDOW}),
    "qwen2": ("Qwen2", {}),
    "qwen3": ("Qwen3", {"head_dim": 8}),
    "gemma2": ("Gemma2", {"head_dim": 8, "sliding_window": _WINDOW, "query_pre_attn_scalar": 8}),
    "gemma3": ("Gemma3", {"head_dim": 8, "sliding_window": _WINDOW, "query_pre_attn_scalar": 8}),
    "phi3": ("Phi3", {}),
    "gpt_neox": ("GPTNeoX", {}),
    "granite": ("Granite", {"logits_scaling": 4.0, "embedding_multiplier": 2.0}),
    "cohere": ("Cohere", {"logit_scale": 0.25}),
    "mixtral": ("Mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen3_moe": ("Qwen3Moe", {"num_experts": 4, "num_experts_per_tok": 2, "head_dim": 8,
                               "moe_intermediate_size": 24}),
}  # fmt: skip


def make_model(name: str, seed: int = 0) -> Any:
    """A 2-layer model of the family with random weights."""
    import transformers

    if name in _SIMPLE:
        return _SIMPLE[name]()
    kind, changes = _FAMILIES[name]
    config_class = getattr(transformers, f"{'Gemma3Text' if kind == 'Gemma3' else kind}Config")
    torch.manual_seed(seed)
    model = getattr(transformers, f"{kind}ForCausalLM")(config_class(**_COMMON | changes))
    if name in EXPERTS:
        model.set_experts_implementation("eager")  # the others have no float64
    return model.to(torch.float64)


_SIMPLE: dict[str, Callable[[], Any]] = {"llama": llama, "gpt2": gpt2}
FAMILIES = [*_SIMPLE, *_FAMILIES]
EXPERTS = ["mixtral", "qwen3_moe"]
