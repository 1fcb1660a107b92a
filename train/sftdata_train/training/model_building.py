"""The model of a run: loaded, adapted, and its own settings that the run does not follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sftdata.base.reporting import Report
from sftdata_train.models.device import choose_dtype
from sftdata_train.models.model_dropout import find_dropout
from sftdata_train.models.model_loading import load_model
from sftdata_train.training.lora import add_lora, list_left_out
from sftdata_train.training.router_loss import find_coefficient

if TYPE_CHECKING:
    from sftdata_train.training.training_run import TrainingRun


def build_model(run: TrainingRun, report: Report) -> Any:
    """The model of a run, with fresh LoRA weights; reports unused settings of its config."""
    recipe = run.recipe
    full = recipe.method == "full"
    model = load_model(
        run.model,
        # Trained weights are float32, also where the computation is bfloat16.
        dtype=torch.float32 if full else choose_dtype(recipe.precision),
        attention=recipe.attention,
        quantized=recipe.method == "qlora",
        without_dropout=not recipe.model_dropout,
        trust_remote_code=run.trust_remote_code,
    )
    _report_differences(run, report)
    torch.manual_seed(recipe.seed)  # the same initial adapter on every rank
    if not full:
        left_out = list_left_out(model, recipe)
        if left_out:
            report(f"--targets {recipe.targets} leaves out {', '.join(left_out)}.")
        model = add_lora(model, recipe)
    if recipe.checkpointing and not full:
        model.enable_input_require_grads()
    return model


def _report_differences(run: TrainingRun, report: Report) -> None:
    """Reports settings of the model's config that this training does not follow."""
    dropout = find_dropout(run.config)
    if dropout and not run.recipe.model_dropout:
        values = ", ".join(f"{name} {value:g}" for name, value in dropout.items())
        report(f"The model's own dropout ({values}) is off; --model-dropout keeps it.")
    if find_coefficient(run.config) is not None and not run.recipe.router_loss:
        report(
            "The load-balancing loss of the model's experts is not added; --router-loss adds it."
        )
