"""Recipes: the training settings, from a TOML file and command-line options."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from sftdata.spec.toml import read_toml
from sftdata.spec.validate import SpecModel, validate

Tracker = Literal["tensorboard", "wandb", "mlflow", "trackio"]


class Recipe(SpecModel):
    """Training settings. A step takes `micro_batch * accumulate` rows, or packs, on each device."""

    method: Literal["lora", "qlora", "full"] = "lora"
    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    model_dropout: bool = False  # keep the dropout of the model's own config
    router_loss: bool = False  # add the load-balancing loss of a mixture of experts
    targets: str = "all-linear"  # or names of modules, separated by commas

    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)  # overrides epochs
    micro_batch: int = Field(default=4, ge=1)
    accumulate: int = Field(default=4, ge=1)
    packed: int | None = Field(default=None, ge=2)  # tokens of the pack plan to use

    learning_rate: float = Field(default=2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.03, ge=0, lt=1)  # share of the steps
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, ge=0)  # 0 = no clipping
    seed: int = 0

    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    attention: Literal["auto", "eager", "sdpa", "flex_attention", "flash_attention_2"] = "auto"
    checkpointing: bool = False  # recompute activations in the backward pass to save memory

    log_every: int = Field(default=10, ge=1)  # in steps, like the two below
    evaluate_every: int | None = Field(default=None, ge=1)  # None: after each epoch
    save_every: int | None = Field(default=None, ge=1)  # None: after each epoch
    early_stop: int | None = Field(default=None, ge=1)  # after so many evaluations without progress
    report_to: tuple[Tracker, ...] = ()  # experiment trackers that get the numbers, too


def load_recipe(file: Path | None = None, **overrides: Any) -> Recipe:
    """The recipe in `file`, or the default one, with the overrides that are not None.

    Raises `SpecError` with all faults at once.
    """
    values = {} if file is None else read_toml(file)
    given = {name: value for name, value in overrides.items() if value is not None}
    source = "the options given" if file is None else f"{file} and the options given"
    return validate(Recipe, values | given, source)
