"""Models: no pickled weights and no remote code, and errors that say what to do."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from support.refused_runs import change_config, refusal

from sftdata.errors import SftdataError
from sftdata_train.models.model_loading import load_model, make_four_bit_config, require_four_bits
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


def test_a_wrong_model_directory_says_what_is_there(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "other.json").write_text("{}")
    assert "there is no config.json (found: other.json)" in refusal(dataset, tmp_path / "x")
    assert "no model directory" in refusal(dataset, tmp_path / "nowhere")


@pytest.mark.parametrize("auto_map", [{"AutoModelForCausalLM": "evil.Model"}, "evil.Model"])
def test_remote_code_is_not_run(auto_map: object, dataset: Path, copied_model: Path) -> None:
    change_config(copied_model, auto_map=auto_map)
    (copied_model / "evil.py").write_text("raise SystemExit('it ran')")
    message = refusal(dataset, copied_model)
    assert "runs code of its own (evil.Model)" in message
    assert "--trust-remote-code" in message


def test_pickled_weights_are_not_loaded(copied_model: Path) -> None:
    (copied_model / "model.safetensors").unlink()
    (copied_model / "pytorch_model.bin").write_bytes(b"not even looked at")
    with pytest.raises(SftdataError, match=r"weights are pickled \(pytorch_model\.bin"):
        load_model(str(copied_model), dtype=torch.float32)


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU it is allowed")
def test_four_bits_without_a_gpu_are_refused(
    dataset: Path, model_directory: Path, tmp_path: Path
) -> None:
    run = prepare(
        dataset, str(model_directory), load_recipe(None, method="qlora"), allow_draft=True
    )
    with pytest.raises(SftdataError, match="needs a CUDA device"):
        train(run, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_the_four_bit_config_is_that_of_qlora() -> None:
    config = make_four_bit_config(torch.bfloat16)
    assert config.load_in_4bit
    assert config.bnb_4bit_quant_type == "nf4"
    assert config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == torch.bfloat16


def test_four_bits_without_bitsandbytes_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    if find_spec("bitsandbytes") is None:
        with pytest.raises(SftdataError, match="needs bitsandbytes") as caught:
            require_four_bits()
        assert "pip install bitsandbytes" in str(caught.value)
    else:
        require_four_bits()
