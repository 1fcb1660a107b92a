"""A model whose loss would be another one is refused before the first step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.tiny_models import MODELS, llama

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata_train.training.loss_check import check_loss
from sftdata_train.training.packing_check import shorten_example

PAD = 256


@pytest.mark.parametrize("family", MODELS)
def test_a_usual_model_passes(family: str, data: Dataset) -> None:
    model = MODELS[family]().train()
    check_loss(model, list(data["train"][:2]), PAD)
    check_loss(model, list(data["train"][:1]), PAD)
    assert model.training


def test_logits_that_change_after_the_projection_are_found(data: Dataset) -> None:
    model = llama()

    def soften(module: Any, inputs: Any, output: Any) -> Any:
        output.logits = output.logits - output.logits.mean(dim=0, keepdim=True)
        return output

    model.register_forward_hook(soften)
    with pytest.raises(SftdataError, match=r"cannot be trained exactly.*row by row"):
        check_loss(model, list(data["train"][:2]), PAD)


def test_any_error_of_the_model_is_one_message(data: Dataset) -> None:
    model = llama()
    model.model.forward = lambda **inputs: torch.tensor(1).missing
    with pytest.raises(SftdataError, match=r"LlamaForCausalLM \(llama\) cannot be trained: Attr"):
        check_loss(model, list(data["train"][:2]), PAD)


def test_a_short_example_is_cut_around_its_first_target(data: Dataset) -> None:
    example = max(data["train"], key=lambda e: e.target_start)
    short = shorten_example(example, 8)
    assert len(short.input_ids) == 8
    assert short.label_mask.tolist() == [False] * 4 + [True] * 4
    start = example.target_start
    assert short.input_ids.tolist() == example.input_ids[start - 4 : start + 4].tolist()
