"""Train: steps from a prepared run to an adapter with its passport, resumed where it was ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import transformers

from sftdata.base.reporting import Report
from sftdata.serving.model_files import write_model_card
from sftdata.serving.passport import Passport, read_passport
from sftdata_train.models.model_loading import require_four_bits
from sftdata_train.passport import describe_run, load_built_templates
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.training.arguments import make_arguments, make_callbacks
from sftdata_train.training.checkpoints import (
    choose_checkpoint,
    digest_settings,
    remove_checkpoints,
)
from sftdata_train.training.model_building import build_model
from sftdata_train.training.model_check import check_model
from sftdata_train.training.progress import VALIDATION, Progress, read_metrics
from sftdata_train.training.run_folder import (
    check_run_folder,
    is_finished,
    open_run_folder,
    remove_run_files,
    select_settings,
)
from sftdata_train.training.saving import save_run
from sftdata_train.training.trainer import ExactTrainer
from sftdata_train.training.training_run import TrainingRun

EVENTS = "runs"  # where TensorBoard's users look for them


def train(run: TrainingRun, out: Path, report: Report = lambda line: None) -> Passport:
    """Train the adapter in `out`, and return its passport.

    An unfinished run of the same settings in `out` resumes from its last intact checkpoint.
    Raises `SftdataError`; `out` then holds the last checkpoint but no passport.
    """
    if run.recipe.method == "qlora":
        require_four_bits()
    description = _describe(run)
    settings = select_settings(description)
    check_run_folder(out, settings)
    arguments = make_arguments(run, out)  # joins the other ranks
    first, wait = arguments.process_index == 0, arguments.distributed_state.wait_for_everyone
    wait()  # all have checked the folder
    with open_run_folder(out, settings, is_first_rank=first):
        wait()
        if not is_finished(out):
            trainer = _train(run, out, arguments, digest_settings(settings), report)
            if first:
                with explain_resource_errors("saving"):
                    save_run(run, out, trainer, description)
            wait()
        passport = read_passport(out)
        if first:
            write_model_card(passport)
            remove_run_files(out)
    wait()
    return passport


def _train(
    run: TrainingRun,
    out: Path,
    arguments: transformers.TrainingArguments,
    settings: str,
    report: Report,
) -> ExactTrainer:
    """Train to the end, from the last intact checkpoint if there is one."""
    resume = choose_checkpoint(out, settings)
    arguments.distributed_state.wait_for_everyone()  # all have chosen
    if arguments.process_index == 0:
        for folder, fault in resume.unused.items():
            report(f"{folder} is not used: {fault}")
        if resume.checkpoint is not None:
            report(f"resuming from {resume.checkpoint}")
        elif resume.unused:
            report("starting from the beginning")
        remove_checkpoints(list(resume.unused))
    arguments.eval_on_start = run.held_out is not None and resume.checkpoint is None
    with explain_resource_errors("loading the model"):
        trainer = make_trainer(run, out, report, arguments, settings)
    with explain_resource_errors("training"):
        check_model(run, trainer, report)
        trainer.add_callback(Progress(trainer, out, report))
        if resume.checkpoint is None:
            trainer.train()
        elif not trainer.restore_finished(resume.checkpoint):
            trainer.train(resume_from_checkpoint=str(resume.checkpoint))
        if run.held_out is not None and not _is_evaluated(out, trainer.state.global_step):
            trainer.evaluate()
    return trainer


def make_trainer(
    run: TrainingRun,
    out: Path,
    report: Report = lambda line: None,
    arguments: transformers.TrainingArguments | None = None,
    settings: str = "",
) -> ExactTrainer:
    """The trainer of a run, with its model loaded; checkpoints go into `out`.

    `settings`: their digest, for the checkpoints.
    """
    if "tensorboard" in run.recipe.report_to:  # by default it writes beside the checkpoints
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(out / EVENTS))
    arguments = arguments or make_arguments(run, out)  # first: it sets the GPU of this rank
    trainer = ExactTrainer(
        model=build_model(run, report),
        args=arguments,
        units=run.units,
        held_out=run.held_out,
        pad_id=run.pad_id,
        settings_digest=settings,
        adds_router_loss=run.recipe.router_loss,
        eval_dataset=[],  # required but unused: `evaluate` reads the held-out units
        callbacks=make_callbacks(run),
    )
    trainer.remove_callback(transformers.PrinterCallback)  # it prints to stdout
    return trainer


def _is_evaluated(out: Path, step: int) -> bool:
    return any(line["step"] == step for line in read_metrics(out / VALIDATION))


def check_folder(run: TrainingRun, out: Path) -> None:
    """Raises `SftdataError` unless this run can be in `out`. Writes nothing."""
    check_run_folder(out, select_settings(_describe(run)))


def _describe(run: TrainingRun) -> dict[str, Any]:
    templates = load_built_templates(run.data.manifest)
    revision = getattr(run.config, "_commit_hash", None)
    return describe_run(run.data, run.split, run.model, run.recipe, templates, revision)
