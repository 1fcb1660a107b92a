"""Small random models in float64 that fit the byte tokenizer of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

VOCABULARY = 257  # the byte tokenizer's


def llama(seed: int = 0, **changes: Any) -> Any:
    """A 2-layer Llama with random weights, in float64."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "initializer_range": 0.1,  # large enough that a wrong mask shows
        "pad_token_id": 256,
        "eos_token_id": 256,
        "bos_token_id": None,
    }
    return LlamaForCausalLM(LlamaConfig(**settings | changes)).to(torch.float64)


def gpt2(seed: int = 0, positions: int = 2048, dropout: float = 0.0) -> Any:
    """A 2-layer GPT-2 with random weights, in float64: learned positions, tied embeddings."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=VOCABULARY, n_positions=positions, n_embd=32, n_layer=2, n_head=4,
        resid_pdrop=dropout, embd_pdrop=dropout, attn_pdrop=dropout,
        eos_token_id=256, bos_token_id=256, initializer_range=0.1,
    )  # fmt: skip
    return GPT2LMHeadModel(config).to(torch.float64)


MODELS: dict[str, Callable[[], Any]] = {"llama": llama, "gpt2": gpt2}
