"""sftdata train."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sftdata.base.escaping import escape
from sftdata.base.wording import count
from sftdata.cli.options import DATASET, FILE, FOLDER, json_option
from sftdata.cli.output import print_json, print_note
from sftdata.cli.train_extra import needs_train_extra

if TYPE_CHECKING:
    from sftdata.serving.passport import Passport
    from sftdata_train.training.cost_estimate import CostEstimate
    from sftdata_train.training.training_run import TrainingRun


@click.command("train")
@click.argument("dataset", type=DATASET)
@click.option("--model", required=True, metavar="DIR_OR_NAME", help="The base model.")
@click.option("--out", type=FOLDER, help="Write the adapter here.")
@click.option(
    "--recipe",
    "recipe_file",
    type=FILE,
    metavar="FILE",
    help="TOML file with settings; its keys: sftdata schema recipe. Options override it.",
)
@click.option(
    "--method",
    type=click.Choice(["lora", "qlora", "full"]),
    help="LoRA, LoRA over 4-bit weights, or all weights. Default: lora.",
)
@click.option("--rank", type=int, help="Rank of the LoRA update. Default: 16.")
@click.option("--alpha", type=float, help="The update is scaled by alpha / rank. Default: 32.")
@click.option("--dropout", type=float, help="Dropout before the LoRA weights. Default: 0.")
@click.option(
    "--model-dropout",
    is_flag=True,
    default=None,
    help="Keep the dropout in the model's config, which is off by default.",
)
@click.option(
    "--router-loss",
    is_flag=True,
    default=None,
    help="Add the load-balancing loss of a mixture of experts, with the model's coefficient.",
)
@click.option(
    "--targets", metavar="NAMES", help="Modules, such as q_proj,v_proj. Default: all-linear."
)
@click.option("--epochs", type=float, help="Passes over the training rows. Default: 1.")
@click.option("--max-steps", type=int, help="Stop after so many steps; overrides --epochs.")
@click.option(
    "--micro-batch", type=int, help="Rows, or packs, in a forward pass on each device. Default: 4."
)
@click.option("--accumulate", type=int, help="Micro-batches per step on each device. Default: 4.")
@click.option("--packed", type=int, metavar="N", help="Use the plan of sftdata pack with N tokens.")
@click.option("--learning-rate", "--lr", type=float, help="Peak learning rate. Default: 0.0002.")
@click.option(
    "--schedule",
    type=click.Choice(["cosine", "linear", "constant"]),
    help="Learning rate after the warmup. Default: cosine.",
)
@click.option(
    "--warmup",
    type=float,
    help="Share of the steps in which the learning rate rises. Default: 0.03.",
)
@click.option("--weight-decay", type=float, help="Weight decay of AdamW. Default: 0.")
@click.option(
    "--max-grad-norm",
    type=float,
    help="Clip the gradient norm at this value (0 = off). Default: 1.",
)
@click.option(
    "--seed", type=int, help="Seed of the row order and of the initial adapter. Default: 0."
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "bfloat16", "float32"]),
    help="Number type of the computation. Default: auto.",
)
@click.option(
    "--attention",
    type=click.Choice(["auto", "eager", "sdpa", "flex_attention", "flash_attention_2"]),
    help="Attention implementation of transformers. Default: auto.",
)
@click.option(
    "--checkpointing",
    is_flag=True,
    default=None,
    help="Recompute activations: less memory, more time.",
)
@click.option(
    "--log-every", type=int, metavar="STEPS", help="Report the loss this often. Default: 10."
)
@click.option(
    "--evaluate-every",
    type=int,
    metavar="STEPS",
    help="Measure the held-out loss this often. Default: each epoch.",
)
@click.option(
    "--save-every",
    type=int,
    metavar="STEPS",
    help="Save a checkpoint this often. Default: each epoch.",
)
@click.option(
    "--early-stop", type=int, metavar="N", help="Stop after N evaluations without a lower loss."
)
@click.option(
    "--report-to",
    multiple=True,
    type=click.Choice(["tensorboard", "wandb", "mlflow", "trackio"]),
    callback=lambda _context, _option, given: given or None,
    help="Also log to this experiment tracker. Repeatable.",
)
@click.option("--split", default="train", show_default=True, help="Train on this split.")
@click.option("--allow-draft", is_flag=True, help="Train on a dataset of unreleased templates.")
@click.option("--trust-remote-code", is_flag=True, help="Allow the model to run code of its own.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the modules to train and the memory and time needed, and stop.",
)
@json_option()
@needs_train_extra
def command(
    dataset: Path,
    model: str,
    out: Path | None,
    recipe_file: Path | None,
    split: str,
    allow_draft: bool,
    trust_remote_code: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a LoRA adapter for the model on the targets of DATASET.

    The same command resumes an interrupted run. On several GPUs:
    torchrun --nproc-per-node 4 -m sftdata train …

    Example: sftdata train data/summarize --model path/to/model --out adapters/summarize
    """
    if out is None and not dry_run:
        raise click.UsageError("Missing option '--out'. (Not needed with --dry-run.)")
    from sftdata_train.training.launcher import is_first_rank
    from sftdata_train.training.recipe import load_recipe
    from sftdata_train.training.train import check_folder, train
    from sftdata_train.training.training_run import prepare

    is_first = is_first_rank()
    report = print_note if is_first else _say_nothing
    run = prepare(
        dataset,
        model,
        load_recipe(recipe_file, **options),
        split=split,
        allow_draft=allow_draft,
        trust_remote_code=trust_remote_code,
        report=report,
    )
    if dry_run:
        from sftdata_train.training.cost_estimate import estimate_cost

        if out is not None:
            check_folder(run, out)
        found = estimate_cost(run)
        print_json(found.to_json()) if as_json else click.echo(_table(found))
        return
    assert out is not None
    passport = train(run, out, report)
    if is_first:
        if as_json:
            print_json(passport["outcome"])
        else:
            click.echo(_summary(passport))
            click.echo(f"  next           {_next_command(run, dataset, model, out)}")


def _say_nothing(note: str) -> None:
    """The other ranks would say the same."""


def _table(found: CostEstimate) -> str:
    lines = [
        f"{'adapted module':44} {'count':>5} {'shape':>14} "
        f"{'parameters':>12} {'LoRA':>9} {'fewer':>7}"
    ]
    for a in found.adapted:
        shape = f"[{a.shape[0]}, {a.shape[1]}]"
        lines.append(
            f"{escape(a.name):44} {a.modules:>5} {shape:>14} {a.parameters:>12,} "
            f"{a.lora_parameters:>9,} {a.reduction:>6.1f}x"
        )
    if found.left_out:
        lines.append(f"left out    {escape(', '.join(found.left_out))}")
    times = found.parameters / found.trained
    memory = found.memory_bytes
    lines += [
        "",
        f"model       {found.parameters:,} parameters",
        f"trained     {found.trained:,} ({100 / times:.3g} %, {times:,.1f} times fewer)",
        f"steps       {found.steps:,}, {found.tokens:,} tokens",
        f"memory      about {sum(memory.values()) / 1e9:.1f} GB: "
        + ", ".join(f"{name} {size / 1e9:.2f}" for name, size in memory.items()),
        f"time        about {_duration(found.seconds)} on this machine",
    ]
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _next_command(run: TrainingRun, dataset: Path, model: str, out: Path) -> str:
    """The command to type next: evaluate, or answer a row where the test split has none."""
    adapter = f"--adapter {shlex.quote(str(out))}"
    if len(run.data.get("test", ())) and run.split != "test":
        words = ("sftdata", "eval", str(dataset), "--model", model)
        return escape(f"{shlex.join(words)} {adapter}")
    question = "--messages '[…]'" if run.data.manifest.holds_conversations else "--row '{…}'"
    return escape(f"sftdata generate {adapter} {question}")


def _summary(passport: Passport) -> str:
    outcome = passport["outcome"]
    text = f"Trained {count(outcome['steps'], 'step')}.\n"
    if outcome["held_out_loss"] is not None:
        before, after = outcome["held_out_loss_before"], outcome["held_out_loss"]
        text += (
            f"  held-out loss  {before:.4f} before, {after:.4f} after ({after / before - 1:+.1%})\n"
        )
    return text + f"  adapter        {escape(str(passport.directory))}"
