"""The end of a run: weights, tokenizer, plot, passport, card. Each is on disk before the next."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftdata.base.files import sync, write_atomically
from sftdata.serving.model_card import FILE as CARD
from sftdata.serving.model_card import LOSS_PLOT
from sftdata.serving.model_files import write_model_card
from sftdata.writing.plots import as_file, line_chart
from sftdata_train.models.model_dropout import find_dropout, set_dropout
from sftdata_train.models.tokenizer_files import save_tokenizer
from sftdata_train.passport import write_passport
from sftdata_train.training.checkpoints import CHECKPOINTS
from sftdata_train.training.progress import METRICS, VALIDATION, read_metrics

if TYPE_CHECKING:
    from sftdata_train.training.trainer import ExactTrainer
    from sftdata_train.training.training_run import TrainingRun

_SAVED = "saved"  # in the folder of the checkpoints, which is removed at the end


def save_run(
    run: TrainingRun, out: Path, trainer: ExactTrainer, description: Mapping[str, Any]
) -> None:
    """Save weights, tokenizer, plot, passport and card."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    set_dropout(model.config, find_dropout(run.config))  # saved as it was loaded
    save_weights(model, out)
    save_tokenizer(out, run.model, run.data.manifest["tokenizer"]["name"], description["chat"])
    steps, held_out = (read_metrics(out / name) for name in (METRICS, VALIDATION))
    curves = {
        name: [(line["step"], line["loss"]) for line in lines]
        for name, lines in (("training", steps), ("held out", held_out))
    }
    write_atomically(out / LOSS_PLOT, as_file(line_chart("Loss", "step", curves)))
    outcome = {
        "steps": trainer.state.global_step,
        "epochs": trainer.state.epoch,
        "ranks": trainer.args.world_size,
        "loss": steps[-1]["loss"] if steps else None,
        "held_out_loss_before": held_out[0]["loss"] if held_out else None,
        "held_out_loss": _saved_loss(held_out, early_stop=run.recipe.early_stop is not None),
    }
    write_model_card(write_passport(out, description, outcome))


def save_weights(model: Any, out: Path) -> None:
    """Save the weights and the config: each file whole or not at all, and on disk for good."""
    folder = out / CHECKPOINTS / _SAVED
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, safe_serialization=True)
    (folder / CARD).unlink(missing_ok=True)  # peft's; ours is made from the passport
    for path in sorted(folder.iterdir()):
        sync(path)
        path.replace(out / path.name)
    sync(out)


def _saved_loss(held_out: list[dict[str, Any]], *, early_stop: bool) -> float | None:
    """The held-out loss of the saved weights: the best with early stopping, else the last."""
    losses: list[float] = [line["loss"] for line in held_out]
    if not losses:
        return None
    return min(losses) if early_stop else losses[-1]
