"""Estimate of a run before it starts: the modules to adapt, memory and time."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

from sftdata_train.models.device import choose_device, choose_dtype
from sftdata_train.models.model_loading import explain_load_error
from sftdata_train.training.lora import add_lora, list_left_out
from sftdata_train.training.recipe import Recipe
from sftdata_train.training.training_run import TrainingRun

_LAYER = re.compile(r"\.\d+(?=\.)")


@dataclass(frozen=True, slots=True)
class AdaptedModules:
    """Modules of one name and shape in all layers. Parameters are those of one module."""

    name: str  # with * in place of the layer number
    modules: int  # how many there are
    shape: tuple[int, int]  # inputs, outputs; of fused experts, of one of them
    parameters: int
    lora_parameters: int

    @property
    def reduction(self) -> float:
        """The module's parameters divided by those that are trained."""
        return self.parameters / self.lora_parameters


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The parameters, memory and time of a run."""

    adapted: list[AdaptedModules]
    left_out: list[str]  # of all-linear: routers, and projections that Mamba reads past LoRA
    parameters: int  # of the whole model
    trained: int
    memory_bytes: dict[str, int]  # of weights, gradients, optimizer …
    steps: int
    tokens: int  # of all steps, over all epochs
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The object `train --dry-run --json` prints."""
        tables = [asdict(a) | {"reduction": round(a.reduction, 2)} for a in self.adapted]
        return asdict(self) | {"adapted": tables}


def estimate_cost(run: TrainingRun) -> CostEstimate:
    """The cost of the run, from the model's config; no weights are loaded.

    The time is the number of multiplications divided by the measured speed of this machine,
    correct to about a factor of two.
    """
    model = _build_on_meta(run)
    parameters = sum(p.numel() for p in model.parameters())
    adapted: list[AdaptedModules] = []
    left_out: list[str] = []
    trained = parameters
    if run.recipe.method != "full":
        left_out = list_left_out(model, run.recipe)
        model = add_lora(model, run.recipe.model_copy(update={"method": "lora"}))
        adapted = find_adapted_modules(model)
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    steps, tokens = _count_steps(run)
    return CostEstimate(
        adapted=adapted,
        left_out=left_out,
        parameters=parameters,
        trained=trained,
        memory_bytes=_memory(run, parameters, trained),
        steps=steps,
        tokens=tokens,
        seconds=_operations(run.recipe, parameters, tokens) / _measure_speed(),
    )


def find_adapted_modules(model: Any) -> list[AdaptedModules]:
    """The modules with LoRA weights; those of different layers count as one entry."""
    groups: dict[tuple[str, tuple[int, int], int, int], int] = {}
    for name, module in model.named_modules():
        if not hasattr(module, "lora_A") or not module.lora_A:
            continue
        name = name.removeprefix("base_model.model.")
        if hasattr(module, "parameter_name"):  # fused experts: a parameter of their module
            name = f"{name.removesuffix('.base_layer')}.{module.parameter_name}"
        shape = (int(module.in_features), int(module.out_features))
        parameters = shape[0] * shape[1] * int(getattr(module, "num_experts", 1))
        lora = sum(p.numel() for part in (module.lora_A, module.lora_B) for p in part.parameters())
        key = (_LAYER.sub(".*", name), shape, parameters, lora)
        groups[key] = groups.get(key, 0) + 1
    return [
        AdaptedModules(name, count, shape, parameters, lora)
        for (name, shape, parameters, lora), count in groups.items()
    ]


def _build_on_meta(run: TrainingRun) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                run.config, trust_remote_code=run.trust_remote_code
            )
    except Exception as error:  # the code of hundreds of models
        raise explain_load_error(run.model, error) from error


def _count_steps(run: TrainingRun) -> tuple[int, int]:
    """Steps and tokens of the run on one device."""
    recipe = run.recipe
    in_epoch = -(-len(run.units.tokens) // (recipe.micro_batch * recipe.accumulate))
    steps = recipe.max_steps or int(-(-in_epoch * recipe.epochs // 1))
    return steps, int(run.units.tokens.sum() * steps / in_epoch)


def _memory(run: TrainingRun, parameters: int, trained: int) -> dict[str, int]:
    """Bytes of weights, gradients and optimizer, and of a micro-batch's activations and logits."""
    recipe, config = run.recipe, run.config.get_text_config()
    width = torch.finfo(choose_dtype(recipe.precision)).bits // 8
    weights = {"lora": width * parameters, "qlora": parameters // 2, "full": 4 * parameters}
    rows = recipe.micro_batch
    tokens = rows * int(run.units.tokens.max())
    targets = rows * int(run.units.targets.max())
    hidden, layers = config.hidden_size, config.num_hidden_layers
    inner = getattr(config, "intermediate_size", None) or 4 * hidden
    kept = hidden if recipe.checkpointing else 10 * hidden + 3 * inner
    return {
        "weights": weights[recipe.method] + (0 if recipe.method == "full" else 4 * trained),
        "gradients": 4 * trained,
        "optimizer": 8 * trained,
        "activations": tokens * layers * kept * width,
        "logits": targets * config.vocab_size * 4 * 3,  # logits, softmax and its gradient
    }


def _operations(recipe: Recipe, parameters: int, tokens: int) -> float:
    """Operations per weight and token: 2 forward, 2 backward, 2 for the weight's gradient."""
    passes = 6 if recipe.method == "full" else 4
    return float(parameters) * tokens * (passes + 2 * recipe.checkpointing)


def _measure_speed(size: int = 1024, seconds: float = 0.2) -> float:
    """Operations per second of this machine, from multiplying matrices for `seconds`."""
    device = choose_device()
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    a = torch.randn(size, size, device=device, dtype=dtype)
    (a @ a).sum().item()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        (a @ a).sum().item()
        count += 1
    return 2 * size**3 * count / (time.perf_counter() - started)
