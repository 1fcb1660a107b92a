"""The attention for packs is the first that passes the check; bfloat16 trains on a CPU, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_models import llama

from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs, write_plan
from sftdata_train.training.model_check import list_faster_attentions, use_first_that_works
from sftdata_train.training.progress import read_metrics
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


def listed(has_gpu: bool = True, has_flash: bool = True, **changes: Any) -> list[str]:
    recipe = load_recipe(None, **{"packed": 512} | changes)
    return list_faster_attentions(
        recipe, has_gpu=has_gpu, has_flash=has_flash, dtype=torch.bfloat16
    )


def test_packs_on_a_gpu_try_the_attentions_without_a_dense_mask() -> None:
    assert listed() == ["flash_attention_2", "flex_attention"]
    assert listed(has_flash=False) == ["flex_attention"]
    assert listed(has_gpu=False) == []
    assert listed(attention="sdpa") == []
    assert listed(packed=None) == []


def test_an_attention_that_fails_is_said_and_the_next_is_taken() -> None:
    model, said, tried = llama(), list[str](), list[str]()
    own = model.config._attn_implementation

    def check() -> None:
        tried.append(model.config._attn_implementation)
        if tried[-1] == "flex_attention":
            raise SftdataError("it mixes packs", code="E902")

    # flash_attention_2 is not installed here
    names = ["flash_attention_2", "flex_attention", "eager"]
    assert use_first_that_works(model, names, check, said.append) == "eager"
    assert tried == ["flex_attention", "eager"]
    assert "does not use flash_attention_2: ImportError" in said[0]
    assert "does not use flex_attention: SftdataError: it mixes packs" in said[1]
    assert said[2] == "attention: eager"
    assert use_first_that_works(model, ["flex_attention"], check, said.append) is None
    model = llama()
    assert use_first_that_works(model, ["flex_attention"], check, said.append) is None
    assert model.config._attn_implementation == own


@pytest.mark.parametrize("method", ["lora", "full"])
def test_bfloat16_trains_packs_on_a_cpu(
    method: str, dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    data = load(dataset)
    write_plan(data.manifest, "train", plan_packs(data["train"].lengths, 700))
    losses = {}
    for precision in ("float32", "bfloat16"):
        recipe = load_recipe(
            None, method=method, precision=precision, packed=700, max_steps=1, rank=2
        )
        run = prepare(dataset, str(model_directory), recipe, allow_draft=True)
        train(run, tmp_path / precision)
        losses[precision] = read_metrics(tmp_path / precision / "metrics.jsonl")[0]["loss"]
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=2e-2)
