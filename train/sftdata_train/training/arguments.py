"""The arguments of transformers' Trainer for a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import transformers

from sftdata.base.files import sha256_of
from sftdata.writing.manifest import MANIFEST
from sftdata_train.models.device import choose_dtype
from sftdata_train.training.checkpoints import CHECKPOINTS

if TYPE_CHECKING:
    from sftdata_train.training.training_run import TrainingRun

_EVAL_BATCH = 8


@dataclass
class _Arguments(transformers.TrainingArguments):
    """The settings that an experiment tracker records, with the dataset that is trained on."""

    dataset: str = ""
    dataset_build: str = ""
    dataset_manifest_sha256: str = ""


def make_arguments(run: TrainingRun, out: Path) -> transformers.TrainingArguments:
    """The arguments of a run. Making them joins the other ranks, and sets the GPU of this one."""
    recipe = run.recipe
    evaluates = "no" if run.held_out is None else "steps" if recipe.evaluate_every else "epoch"
    saves = "steps" if recipe.save_every else "epoch"
    save_every = recipe.save_every
    if recipe.early_stop is not None:  # save whenever we evaluate, to keep the best
        saves, save_every = evaluates, recipe.evaluate_every
    manifest = run.data.manifest
    arguments = _Arguments(
        dataset=manifest["task"],
        dataset_build=manifest["build"],
        dataset_manifest_sha256=sha256_of(manifest.directory / MANIFEST),
        run_name=out.name,
        output_dir=str(out / CHECKPOINTS),
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        per_device_train_batch_size=recipe.micro_batch,
        per_device_eval_batch_size=_EVAL_BATCH,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,  # below 1: a share of the steps
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        seed=recipe.seed,
        bf16=choose_dtype(recipe.precision) == torch.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        activation_checkpointing=recipe.checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if recipe.checkpointing else None,
        logging_steps=recipe.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # report a loss that is not finite, which ends the run
        eval_strategy=evaluates,
        eval_steps=recipe.evaluate_every,
        save_strategy=saves,
        save_steps=save_every or 500,
        save_total_limit=2,
        load_best_model_at_end=recipe.early_stop is not None,
        metric_for_best_model="eval_loss" if recipe.early_stop is not None else None,
        greater_is_better=False if recipe.early_stop is not None else None,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        report_to=list(recipe.report_to),
        disable_tqdm=True,
    )
    # One process trains on one GPU; without torchrun, transformers would split batches over all.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def make_callbacks(run: TrainingRun) -> list[transformers.TrainerCallback]:
    """The callbacks of a run beside its progress."""
    if run.recipe.early_stop is None:
        return []
    return [transformers.EarlyStoppingCallback(run.recipe.early_stop)]
