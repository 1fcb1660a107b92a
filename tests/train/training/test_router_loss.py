"""The load-balancing loss of experts: asked for, it is added; where there is none, refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from support.model_families import make_model

from sftdata.errors import SftdataError
from sftdata_train.training.progress import read_metrics
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


def first_loss(dataset: Path, model: Path, out: Path, said: list[str], **changes: bool) -> float:
    recipe = load_recipe(None, max_steps=1, rank=2, log_every=1, **changes)
    passport = train(prepare(dataset, str(model), recipe, allow_draft=True), out, said.append)
    assert passport["recipe"]["router_loss"] is changes.get("router_loss", False)
    return float(read_metrics(out / "metrics.jsonl")[0]["loss"])


def test_it_is_added_when_asked_for_and_said_when_not(
    dataset: Path, byte_tokenizer: Path, tmp_path: Path
) -> None:
    model, said = tmp_path / "model", list[str]()
    make_model("mixtral").to(torch.float32).save_pretrained(model)
    for path in byte_tokenizer.iterdir():
        shutil.copy(path, model)
    without = first_loss(dataset, model, tmp_path / "a", said)
    assert any("load-balancing loss of the model's experts is not added" in line for line in said)
    said.clear()
    added = first_loss(dataset, model, tmp_path / "b", said, router_loss=True) - without
    # At least coefficient times the number of experts chosen: the value of even use.
    assert 0.001 * 2 < added < 0.001 * 8
    assert not any("load-balancing" in line for line in said)


def test_a_model_without_experts_is_refused(dataset: Path, model_directory: Path) -> None:
    recipe = load_recipe(None, router_loss=True)
    with pytest.raises(SftdataError, match=r"--router-loss: the model \(llama\) has no experts"):
        prepare(dataset, str(model_directory), recipe, allow_draft=True)
