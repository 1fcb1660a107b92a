"""Decoding: greedy whatever the model's own settings say, and these on request."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.tiny_models import llama
from transformers import GenerationConfig

from sftdata.errors import SftdataError
from sftdata_train.generating.decoding import Decoding, choose_decoding
from sftdata_train.generating.generation import generate
from sftdata_train.training.lora import add_lora
from sftdata_train.training.recipe import Recipe

PROMPT = [1, 2, 3]
OWN = {
    "do_sample": True, "temperature": 0.7, "repetition_penalty": 3.0, "no_repeat_ngram_size": 2,
    "suppress_tokens": [10, 11], "num_beams": 1, "max_length": 4, "top_p": 0.8,
}  # fmt: skip
BEAMS = {"num_beams": 3, "repetition_penalty": 1.5, "length_penalty": 2.0}


def model_with(**own: Any) -> Any:
    model = llama()
    model.generation_config = GenerationConfig(**own)
    return model


def argmax(model: Any, tokens: int) -> list[int]:
    ids = list(PROMPT)
    for _ in range(tokens):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(PROMPT) :]


@pytest.mark.parametrize("own", [OWN, BEAMS], ids=["sampling", "beams"])
@pytest.mark.parametrize("with_adapter", [False, True])
def test_greedy_takes_the_likeliest_token_whatever_the_model_says(
    own: dict[str, Any], with_adapter: bool
) -> None:
    model = model_with(**own)
    if with_adapter:
        model = add_lora(model, Recipe(rank=2)).eval()
    own_config = model.generation_config
    found = generate(model, [PROMPT], [256], max_new_tokens=12)[0]
    assert found == argmax(model, 12)
    assert model.generation_config is own_config


@pytest.mark.parametrize("own", [OWN, BEAMS], ids=["sampling", "beams"])
def test_the_models_own_settings_give_what_transformers_gives(own: dict[str, Any]) -> None:
    model = model_with(**own)
    decoding = choose_decoding(model, "model")
    found = generate(model, [PROMPT], [256], max_new_tokens=12, decoding=decoding)[0]
    torch.manual_seed(0)
    plain = model.generate(
        input_ids=torch.tensor([PROMPT]), attention_mask=torch.ones(1, 3), max_new_tokens=12,
        max_length=None, eos_token_id=256, pad_token_id=256,
    )  # fmt: skip
    expected = plain[0, len(PROMPT) :].tolist()
    assert found == expected[: len(found)]
    assert set(expected[len(found) :]) <= {256}
    assert found != argmax(model, 12)
    assert found == generate(model, [PROMPT], [256], max_new_tokens=12, decoding=decoding)[0]


def test_each_field_that_chooses_tokens_is_named() -> None:
    greedy = choose_decoding(model_with(**OWN))
    assert greedy.settings == {}
    assert greedy.unused == {
        "do_sample": True, "no_repeat_ngram_size": 2, "repetition_penalty": 3.0,
        "suppress_tokens": [10, 11], "temperature": 0.7, "top_p": 0.8,
    }  # fmt: skip
    own = choose_decoding(model_with(**OWN), "model")
    assert own.settings == {**greedy.unused, "seed": 0}
    assert own.describe().startswith("the model's own (do_sample True, no_repeat_ngram_size 2")
    assert choose_decoding(model_with(temperature=0.5, top_k=3, length_penalty=2.0)) == Decoding()
    assert choose_decoding(llama()).describe() == "greedy"
    stops = choose_decoding(model_with(stop_strings=["x"]), "model")
    assert stops.describe() == "the model's own; without the model's stop_strings ['x']"


def test_settings_that_cannot_be_used_are_one_message() -> None:
    model = model_with(penalty_alpha=0.6, top_k=4)
    decoding = choose_decoding(model, "model")
    with pytest.raises(SftdataError, match=r"penalty_alpha 0\.6(?s:.*)--decoding greedy"):
        generate(model, [PROMPT], [256], max_new_tokens=2, decoding=decoding)
