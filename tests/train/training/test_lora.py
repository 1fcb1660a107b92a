"""LoRA: adapters that cannot be loaded, and targets that the model does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from support.refused_runs import change_config
from support.tiny_models import VOCABULARY, llama

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata_train.training.batches import collate
from sftdata_train.training.cost_estimate import estimate_cost, find_adapted_modules
from sftdata_train.training.lora import add_lora, list_left_out, load_adapter
from sftdata_train.training.loss import find_output_head, target_loss
from sftdata_train.training.loss_check import check_loss
from sftdata_train.training.recipe import Recipe, load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare


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


SMALL = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 256, "bos_token_id": None,
}  # fmt: skip
# Model type, its own settings, what all-linear leaves out, and a module that it adapts.
FAMILIES: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "mamba": ({"state_size": 4}, ["mixer.conv1d", "mixer.dt_proj", "mixer.out_proj"], "in_proj"),
    "falcon_h1": (
        {
            "mamba_d_ssm": 64, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 4,
            "mamba_n_groups": 1,
        },
        ["mamba.conv1d", "mamba.out_proj"],
        "q_proj",
    ),
    "phimoe": ({"num_local_experts": 2}, ["mlp.router"], "q_proj"),
    "llama4_text": (
        {"num_local_experts": 2, "head_dim": 8, "intermediate_size_mlp": 48},
        ["feed_forward.router"],
        "shared_expert.up_proj",
    ),
    "mixtral": ({"num_local_experts": 2}, ["mlp.gate"], "experts.gate_up_proj"),
    "qwen2_moe": (
        {"num_experts": 4, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
        ["mlp.gate", "mlp.shared_expert_gate"],
        "shared_expert.down_proj",
    ),
}  # fmt: skip


def make_family(family: str) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **SMALL, **FAMILIES[family][0])
    return AutoModelForCausalLM.from_config(config)


@pytest.mark.parametrize("family", FAMILIES)
def test_routers_and_what_mamba_reads_directly_are_left_out(family: str, data: Dataset) -> None:
    _, left_out, adapted = FAMILIES[family]
    model = make_family(family)
    assert list_left_out(model, Recipe()) == left_out
    model = add_lora(model, Recipe(rank=2))
    found = find_adapted_modules(model)
    assert any(entry.name.endswith(adapted) for entry in found)
    assert not any(entry.name.endswith(tuple(left_out)) for entry in found)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == sum(entry.lora_parameters * entry.modules for entry in found)
    examples = list(data["train"][:2])
    check_loss(model, examples, 256)
    batch = collate([[example] for example in examples], 256)
    target_loss(model, batch, find_output_head(model)).backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_targets_that_lora_cannot_adapt_are_one_message_in_a_dry_run_too(
    dataset: Path, copied_model: Path, tmp_path: Path
) -> None:
    make_family("mamba").save_pretrained(copied_model)
    recipe = load_recipe(None, targets="out_proj")
    run = prepare(dataset, str(copied_model), recipe)
    said = []
    for start in (lambda: estimate_cost(run), lambda: train(run, tmp_path / "a")):
        with pytest.raises(SftdataError, match=r"LoRA cannot adapt.*\(mamba\)") as caught:
            start()
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].endswith(
        "Name other modules with --targets, or train all weights with --method full."
    )


def test_what_is_left_out_is_said(dataset: Path, copied_model: Path, tmp_path: Path) -> None:
    make_family("mixtral").save_pretrained(copied_model)
    run = prepare(dataset, str(copied_model), load_recipe(None, max_steps=1, rank=2))
    assert estimate_cost(run).left_out == ["mlp.gate"]
    said: list[str] = []
    train(run, tmp_path / "a", said.append)
    assert "--targets all-linear leaves out mlp.gate." in said
    loaded = load_adapter(make_family("mixtral"), tmp_path / "a")
    assert {e.name for e in find_adapted_modules(loaded)} >= {
        "model.layers.*.mlp.experts.down_proj"
    }


def test_a_model_that_is_no_causal_one_is_one_message_in_a_dry_run(
    dataset: Path, copied_model: Path
) -> None:
    change_config(copied_model, model_type="vit", architectures=["ViTModel"])
    run = prepare(dataset, str(copied_model), Recipe())
    with pytest.raises(SftdataError, match="the model cannot be loaded"):
        estimate_cost(run)
