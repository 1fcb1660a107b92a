"""LoRA adapters: put fresh ones on a model, or load trained ones from disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sftdata.errors import SftdataError, did_you_mean
from sftdata_train.models.model_loading import first_line, require_safetensors
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.training.recipe import Recipe

# Mamba reads these without calling them.
_PAST_LORA = {"conv1d", "dt_proj", "out_proj"}
ALL_LINEAR = "all-linear"
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
    if recipe.targets != ALL_LINEAR:
        targets = [name.strip() for name in recipe.targets.split(",") if name.strip()]
        _check_targets(model, targets)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type]  # peft divides it by r
        lora_dropout=recipe.dropout,
        target_modules=targets,
        exclude_modules=list_left_out(model, recipe) or None,
        fan_in_fan_out=any(_is_conv1d(module) for module in model.modules()),
        task_type="CAUSAL_LM",
    )
    try:
        with _ignoring_warnings():
            if recipe.targets == ALL_LINEAR:
                _leave_out_router_weights(config, model)
            return get_peft_model(model, config)
    # peft raises the first three on purpose; the others come from a module or a config that lacks
    # what peft reads of it.
    except (ValueError, TypeError, NotImplementedError, AttributeError, KeyError) as error:
        raise SftdataError(
            f"LoRA cannot adapt this model ({model.config.model_type}) with --targets "
            f"{recipe.targets}: {first_line(error)}",
            "Name other modules with --targets, or train all weights with --method full.",
            code="E902",
        ) from error


def list_left_out(model: Any, recipe: Recipe) -> list[str]:
    """The modules that all-linear leaves out, by the ends of their names, such as `mlp.router`.

    A router of experts returns no plain tensor, and an update would reroute every token. Mamba's
    fast paths read the weights of some of its projections directly, past LoRA.
    """
    if recipe.targets != ALL_LINEAR:
        return []
    found = set()
    for name, module in model.named_modules():
        short = ".".join(name.rsplit(".", 2)[-2:])
        if _is_router(name, module) or name.endswith("shared_expert_gate"):
            found.add(short)
        elif _is_mamba(module):
            inside = {child for child, _ in module.named_children()}
            found |= {f"{name.rsplit('.', 1)[-1]}.{child}" for child in inside & _PAST_LORA}
    return sorted(found)


def _is_mamba(module: torch.nn.Module) -> bool:
    kind = type(module).__name__
    return "Mamba" in kind or ("Mixer" in kind and hasattr(module, "A_log"))


def _leave_out_router_weights(config: Any, model: Any) -> None:
    """Take the routers out of the parameters that peft makes of all-linear for fused experts."""
    from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers

    convert_peft_config_for_transformers(config, model, None)  # peft does the same later
    if config.target_parameters:
        routers = {
            name.rsplit(".", 1)[-1] for name, m in model.named_modules() if _is_router(name, m)
        }
        config.target_parameters = {
            name
            for name in config.target_parameters
            if routers.isdisjoint(name.split(".")[:-1])  # such as gate.weight
        }


def _is_router(name: str, module: torch.nn.Module) -> bool:
    return "Router" in type(module).__name__ or name.rsplit(".", 1)[-1] == "router"


def load_adapter(model: Any, adapter: Path) -> Any:
    """`model` with the LoRA adapter in the directory `adapter`.

    Raises `SftdataError` when the adapter is missing, pickled, or made for another model.
    """
    from peft import PeftModel

    if not (adapter / CONFIG).is_file():
        raise SftdataError(
            f"{adapter} holds no adapter: there is no {CONFIG}.",
            "Train one: sftdata train DATASET --model MODEL --out ADAPTER",
            code="E903",
        )
    require_safetensors(adapter, WEIGHTS)
    try:
        with _ignoring_warnings(), explain_resource_errors("loading the adapter"):
            return PeftModel.from_pretrained(model, str(adapter))
    except (RuntimeError, ValueError, KeyError) as error:
        raise SftdataError(
            f"{adapter}: the adapter does not fit the model: {first_line(error)}",
            "Give the model it was trained on; sftdata audit shows its name.",
            code="E902",
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
            code="E902",
        )


def _is_conv1d(module: torch.nn.Module) -> bool:
    """Whether this is GPT-2's linear layer, whose weight is transposed."""
    return type(module).__name__ == "Conv1D"


@contextmanager
def _ignoring_warnings() -> Iterator[None]:
    """Silence warnings that transformers and peft cause themselves and no user can fix."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        warnings.filterwarnings("ignore", "The following (rank|alpha)_pattern keys did not match")
        yield
