"""The checked inputs of a training run: dataset, model and recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.reporting import Report
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, load
from sftdata.loading.packing import read_plan
from sftdata.spec.split_names import find_split
from sftdata_train.models.model_loading import load_config, locate_model
from sftdata_train.models.tokenizer_check import check_tokenizer
from sftdata_train.training.batches import PackUnits, RowUnits, Units
from sftdata_train.training.launcher import check_launcher
from sftdata_train.training.preflight import (
    check_data,
    check_lengths,
    check_machine,
    check_vocabulary,
)
from sftdata_train.training.recipe import Recipe
from sftdata_train.training.router_loss import check_router_loss

_HELD_OUT = "validation"


@dataclass(frozen=True)
class TrainingRun:
    """The checked inputs of a run. The model is not loaded yet."""

    data: Dataset
    split: str
    model: str  # an absolute path, or a name on the Hub
    recipe: Recipe
    units: Units
    held_out: Units | None
    config: Any
    trust_remote_code: bool

    @property
    def pad_id(self) -> int:
        """The id that fills a batch. No target attends to it, so any id will do."""
        tokenizer = self.data.manifest["tokenizer"]
        return int(tokenizer["eos_id"] if tokenizer["pad_id"] is None else tokenizer["pad_id"])


def prepare(
    directory: Path,
    model: str,
    recipe: Recipe,
    *,
    split: str = "train",
    allow_draft: bool = False,
    trust_remote_code: bool = False,
    report: Report = lambda line: None,
) -> TrainingRun:
    """Load and check the inputs of a run.

    Raises `SftdataError` for a damaged or draft dataset, another tokenizer, a model with too few
    embeddings or positions, or a pack plan of another build.
    """
    if note := check_launcher():
        report(f"Warning: {note}")
    check_machine(recipe)
    data = load(directory)
    check_data(data, split, allow_draft=allow_draft)
    config = load_config(model, trust_remote_code=trust_remote_code)
    check_tokenizer(data.manifest, model, report)
    check_vocabulary(data.manifest, config)
    if recipe.router_loss:
        check_router_loss(config)
    units: Units = RowUnits(data[split])
    if recipe.packed is not None:
        units = PackUnits(data[split], read_plan(data, split, recipe.packed))
    held_out = None
    validation = find_split(_HELD_OUT, data) or _HELD_OUT
    if split != validation and len(data.get(validation, ())):
        held_out = RowUnits(data[validation])
    elif recipe.early_stop is None:
        report(
            f"The loss on held-out rows is not measured: the split '{_HELD_OUT}' has no rows"
            + (" beside those you train on." if split == validation else ".")
        )
    if recipe.early_stop is not None and held_out is None:
        raise SftdataError(
            f"--early-stop needs rows in the split '{_HELD_OUT}'; {directory} has none.",
            f"Build with a '{_HELD_OUT}' split, or train without --early-stop.",
            code="E706",
        )
    used = [split] if held_out is None else [split, validation]
    check_lengths({f"row of '{name}'": int(data[name].lengths.max()) for name in used}, config)
    return TrainingRun(
        data, split, locate_model(model), recipe, units, held_out, config, trust_remote_code
    )
