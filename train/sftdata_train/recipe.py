"""A recipe: how to train. A TOML file, checked as a whole, and the options laid over it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sftdata.errors import SftdataError


class Recipe(BaseModel):
    """How to train. A step takes `micro_batch * accumulate` examples, or packs, on each device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["lora", "qlora", "full"] = "lora"
    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: str = "all-linear"  # or the names of modules, with commas between

    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)  # comes before epochs
    micro_batch: int = Field(default=4, ge=1)
    accumulate: int = Field(default=4, ge=1)
    packed: int | None = Field(default=None, ge=2)  # tokens of the pack plan to use

    learning_rate: float = Field(default=2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.03, ge=0, lt=1)  # share of the steps
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, ge=0)  # 0: gradients are not clipped
    seed: int = 0

    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    attention: Literal["auto", "eager", "sdpa", "flex_attention", "flash_attention_2"] = "auto"
    checkpointing: bool = False  # compute activations twice and keep few

    log_every: int = Field(default=10, ge=1)  # steps, as below
    evaluate_every: int | None = Field(default=None, ge=1)  # None: at the start and the end
    save_every: int | None = Field(default=None, ge=1)  # None: at the end of each epoch
    early_stop: int | None = Field(default=None, ge=1)  # evaluations without a lower loss
    tensorboard: bool = False


def load_recipe(file: Path | None = None, **overrides: Any) -> Recipe:
    """The recipe in `file`, or the default one, with the overrides laid over; None overrides not.

    Raises `SftdataError` that lists every fault at once.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SftdataError(f"{file}: {error.strerror}.", "Give a TOML file.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SftdataError(f"{file}: not a TOML file: {error}") from error
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Recipe.model_validate(values | given)
    except ValidationError as error:
        faults = [
            f"  {'.'.join(map(str, fault['loc']))}: {fault['msg']} (is {fault['input']!r})"
            for fault in error.errors()
        ]
        where = "The options given are" if file is None else f"{file}, with the options given, is"
        raise SftdataError(f"{where} not a recipe:\n" + "\n".join(faults)) from error
