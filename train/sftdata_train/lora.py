"""LoRA adapters: put fresh ones on a model, or load trained ones from disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sftdata.errors import SftdataError, did_you_mean
from sftdata_train.model_loading import first_line, require_safetensors
from sftdata_train.recipe import Recipe

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def add_lora(model: Any, recipe: Recipe) -> Any:
    """`model` with fresh LoRA weights on the recipe's target modules, everything else frozen.

    Raises `SftdataError` when the model has no such modules.
    """
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if recipe.method == "qlora":
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=recipe.checkpointing
        )
    targets: str | list[str] = recipe.targets
    if recipe.targets != "all-linear":
        targets = [name.strip() for name in recipe.targets.split(",") if name.strip()]
        _check_targets(model, targets)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type]  # peft divides it by r
        lora_dropout=recipe.dropout,
        target_modules=targets,
        fan_in_fan_out=any(_is_conv1d(module) for module in model.modules()),
        task_type="CAUSAL_LM",
    )
    with _ignoring_old_attribute():
        return get_peft_model(model, config)


def load_adapter(model: Any, adapter: Path) -> Any:
    """`model` with the LoRA adapter in the directory `adapter`.

    Raises `SftdataError` when the adapter is missing, pickled, or made for another model.
    """
    from peft import PeftModel

    if not (adapter / CONFIG).is_file():
        raise SftdataError(
            f"{adapter} holds no adapter: there is no {CONFIG}.",
            "Train one: sftdata train DATASET --model MODEL --out ADAPTER",
        )
    require_safetensors(adapter, WEIGHTS)
    try:
        with _ignoring_old_attribute():
            return PeftModel.from_pretrained(model, str(adapter))
    except (RuntimeError, ValueError, KeyError) as error:
        raise SftdataError(
            f"{adapter}: the adapter does not fit the model: {first_line(error)}",
            "Give the model it was trained on; sftdata audit shows its name.",
        ) from error


def _check_targets(model: Any, names: list[str]) -> None:
    known = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) or _is_conv1d(module)
    }
    unknown = [name for name in names if name.rsplit(".", 1)[-1] not in known]
    if unknown or not names:
        name = unknown[0] if unknown else ""
        raise SftdataError(
            f"The model has no linear module '{name}' to adapt.",
            f"{did_you_mean(name, known)} Or adapt all of them: --targets all-linear",
        )


def _is_conv1d(module: torch.nn.Module) -> bool:
    """Whether this is GPT-2's linear layer, whose weight is transposed."""
    return type(module).__name__ == "Conv1D"


@contextmanager
def _ignoring_old_attribute() -> Iterator[None]:
    """Silence a deprecation warning of transformers that peft causes and no user can fix."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        yield
