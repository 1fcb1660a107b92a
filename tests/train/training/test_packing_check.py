"""A model that attends across the examples of a pack is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny_models import gpt2, llama

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Example, load
from sftdata_train.training.packing_check import check_boundaries


def test_a_model_that_mixes_packed_examples_is_found(dataset: Path) -> None:
    rows = [load(dataset)["train"][i] for i in range(2)]
    for model in (llama(), gpt2()):
        check_boundaries(model, rows, 256)
        model.forward = _without_positions(model.forward)
        with pytest.raises(SftdataError, match="mixes the examples of a pack"):
            check_boundaries(model, rows, 256)


def test_a_state_that_is_carried_on_is_found_however_small_it_is() -> None:
    from transformers import JambaConfig, JambaForCausalLM

    torch.manual_seed(0)
    config = JambaConfig(
        vocab_size=257, hidden_size=32, num_hidden_layers=2, intermediate_size=48,
        num_attention_heads=4, num_key_value_heads=2, num_experts=2, num_experts_per_tok=1,
        attn_layer_period=2, attn_layer_offset=1, use_mamba_kernels=False, initializer_range=0.02,
    )  # fmt: skip
    draw = np.random.default_rng(0)
    rows = [
        Example(str(n), "t", draw.integers(0, 256, n).astype(np.int32), np.arange(n) > 9, 10)
        for n in (30, 40)
    ]
    with pytest.raises(SftdataError, match="JambaForCausalLM mixes the examples of a pack"):
        check_boundaries(JambaForCausalLM(config), rows, 256)


def _without_positions(forward: Any) -> Any:
    """As a model that was written before packing, and makes its own positions."""
    return lambda position_ids=None, **inputs: forward(**inputs)
