"""The model's own dropout is off and said, kept on request, and saved as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.tiny_models import gpt2

from sftdata_train.models.model_dropout import find_dropout
from sftdata_train.training.progress import read_metrics
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


@pytest.fixture
def dropping_model(copied_model: Path) -> Path:
    """GPT-2 with the dropout that its released config has."""
    gpt2(dropout=0.1).to(torch.float32).save_pretrained(copied_model)
    return copied_model


def first_losses(dataset: Path, model: Path, out: Path, **changes: object) -> list[float]:
    recipe = load_recipe(None, max_steps=2, log_every=1, rank=2, warmup=0.0, **changes)
    train(prepare(dataset, str(model), recipe), out)
    return [line["loss"] for line in read_metrics(out / "metrics.jsonl")]


def test_steps_are_the_same_for_any_split_without_the_models_dropout(
    dataset: Path, dropping_model: Path, tmp_path: Path
) -> None:
    one = first_losses(dataset, dropping_model, tmp_path / "1", micro_batch=8, accumulate=1)
    split = first_losses(dataset, dropping_model, tmp_path / "2", micro_batch=2, accumulate=4)
    kept = first_losses(
        dataset, dropping_model, tmp_path / "3", micro_batch=8, accumulate=1, model_dropout=True
    )
    assert split == pytest.approx(one, rel=1e-5)
    assert abs(kept[0] - one[0]) > 1e-4


def test_it_is_said_and_the_saved_config_has_it_still(
    dataset: Path, dropping_model: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    recipe = load_recipe(None, max_steps=1, method="full", micro_batch=2, accumulate=1)
    run = prepare(dataset, str(dropping_model), recipe)
    values = find_dropout(run.config)
    assert values == {"attn_pdrop": 0.1, "embd_pdrop": 0.1, "resid_pdrop": 0.1}
    passport = train(run, tmp_path / "a", said.append)
    expected = "(attn_pdrop 0.1, embd_pdrop 0.1, resid_pdrop 0.1) is off; --model-dropout keeps it."
    assert f"The model's own dropout {expected}" in said
    assert passport["recipe"]["model_dropout"] is False
    saved = json.loads((tmp_path / "a" / "config.json").read_text())
    assert {name: saved[name] for name in values} == values
