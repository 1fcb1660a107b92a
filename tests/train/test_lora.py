"""LoRA: adapters that cannot be loaded, and targets that the model does not have."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_models import llama

from sftdata.errors import SftdataError
from sftdata_train.lora import load_adapter
from sftdata_train.recipe import load_recipe
from sftdata_train.training_run import prepare, train


def test_a_pickled_adapter_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.bin").write_bytes(b"not even looked at")
    with pytest.raises(SftdataError, match="weights are pickled"):
        load_adapter(llama(), tmp_path)
    with pytest.raises(SftdataError, match=r"no adapter_config\.json"):
        load_adapter(llama(), tmp_path / "nowhere")


def test_unknown_targets_end_in_a_suggestion(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(None, targets="q_prj")
    run = prepare(dataset, str(model_directory), recipe, allow_draft=True)
    with pytest.raises(SftdataError, match="Did you mean 'q_proj'"):
        train(run, tmp_path / "a")
