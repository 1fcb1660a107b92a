"""sftdata build."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

import click
from click.core import ParameterSource

from sftdata.base.memory import keep_memory
from sftdata.cli.build_summary import print_next_commands, print_summary
from sftdata.cli.options import FILE, PLACE, chat_option, json_option, map_option
from sftdata.cli.output import print_json, print_note
from sftdata.cli.progress import show_progress
from sftdata.errors import SftdataError


@click.command("build")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--all", "build_all", is_flag=True, help="Build every spec in the project's pipelines/."
)
@click.option("--task", help="Build pipelines/TASK.toml. Default: the task that the columns mean.")
@click.option("--spec", type=FILE, help="Build the spec in this file.")
@click.option(
    "--data",
    multiple=True,
    metavar="[SPLIT=]PATH",
    help="Read this file, FILE.xlsx#SHEET, glob, folder or address (https://…, s3://…), hf:NAME, "
    "or - for standard input. Repeatable. test=PATH puts its rows into the split test.",
)
@map_option()
@click.option(
    "--preset", metavar="NAME", help="Map the columns of a known dataset; list: sftdata sources."
)
@click.option(
    "--template",
    multiple=True,
    metavar="ID",
    help="Render with this template, such as summarize/article. Repeatable: each row gets one.",
)
@click.option(
    "--tokenizer",
    metavar="NAME_OR_DIR",
    help="The tokenizer of the model that you will train: a folder with tokenizer.json, or a "
    "name on the Hub. Default: the spec's.",
)
@click.option(
    "--split-column",
    metavar="COLUMN",
    help="Put each row into the split that it names in this column.",
)
@click.option(
    "--join-splits",
    "given_splits",
    flag_value="join",
    default=None,
    help="Divide all rows by the spec's shares, also those of train.jsonl and test.jsonl.",
)
@click.option(
    "--out",
    type=PLACE,
    help="Write the dataset to this folder, or to an address in an object store (s3://…). Default: "
    "data/TASK.",
)
@click.option(
    "--max-length",
    type=click.IntRange(min=2),
    metavar="N",
    help="Fit examples into N tokens: cut the field that the template allows, or drop the row. "
    "Default: the spec's (bundled ones: 2048, chat 4096); without one nothing is cut.",
)
@click.option(
    "--chat",
    is_flag=True,
    default=None,
    help="Write prompt and target as turns of the tokenizer's chat template.",
)
@click.option(
    "--chat-template", metavar="FILE", help="Use this chat template instead of the tokenizer's."
)
@chat_option()
@click.option("--date", metavar="DATE", help="The date that the chat template writes: 2026-01-31.")
@click.option(
    "--shots",
    type=click.IntRange(0, 64),
    metavar="K",
    help="Put K solved examples from the split train before each prompt.",
)
@click.option(
    "--seed",
    type=int,
    help="Seed of the splits, templates and shots. Default: the spec's, else 0.",
)
@click.option(
    "--id-prefix",
    metavar="TEXT",
    help="Put TEXT before each id; the word file stands for the name of the row's file. For files "
    "that use the same ids.",
)
@click.option(
    "--duplicates",
    type=click.Choice(["drop", "keep", "loose"]),
    help="drop: keep one of the rows that say the same; keep: keep all of them; loose: drop also "
    "those that differ only in case, white space or Unicode's compatible forms. Default: the "
    "spec's, else drop.",
)
@click.option(
    "--near-duplicates",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Keep one of the rows that are at least this similar, such as 0.8.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="FILE",
    help="Drop rows whose source text is in this evaluation file. Repeatable.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that render and tokenize; 1: this one alone. Default: as many as the input "
    "needs and as the machine has cores and memory for.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: render and tokenize on the cores of a Ray cluster. The dataset is the same.",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    help="The Ray cluster, such as ray-head:6379. Default: one that runs on this machine, or a new "
    "one.",
)
@click.option(
    "--max-dropped",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail if more than this share of the rows is unusable. Default: the spec's, else 1.",
)
@click.option("--license", metavar="NAME", help="License of the rows, for the dataset card.")
@click.option(
    "--language",
    multiple=True,
    metavar="CODE",
    help="Language of the rows, such as en, for the dataset card. Repeatable.",
)
@click.option("--description", metavar="TEXT", help="What the rows are, for the dataset card.")
@click.option(
    "--frozen",
    is_flag=True,
    help="Refuse drafts: templates that are not released.",
)
@click.option(
    "--dry-run", is_flag=True, help="Check the inputs, build the first rows, write nothing."
)
@json_option("Print the summary of the manifest as JSON.")
def command(build_all: bool, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Build a dataset: read golden rows, render, tokenize, write shards, commit.

    FILE is the same as --data FILE. Without any, the bundled sample of the task is built.

    Example: sftdata build news.jsonl --tokenizer path/to/model

    Example: sftdata build news.jsonl --task summarize --map summary=highlights
    """
    if build_all:
        _build_all(options, dry_run, as_json)
        return
    options["data"] = (*options.pop("files"), *options["data"])
    for name in ("data", "against", "template", "fields", "language"):
        options[name] = options[name] or None
    if dry_run:
        _dry_run(options, as_json)
        return
    keep_memory()
    build_and_report(as_json=as_json, **options)


def _build_all(options: dict[str, Any], dry_run: bool, as_json: bool) -> None:
    """Builds each spec of the project; one that fails does not keep the others from it."""
    from sftdata.building.status import list_tasks
    from sftdata.cli.output import print_error

    shared = {name: options.pop(name) for name in ("workers", "engine", "address", "frozen")}
    source = click.get_current_context().get_parameter_source
    if dry_run or any(source(name) is not ParameterSource.DEFAULT for name in options):
        raise click.UsageError(
            "--all goes with --workers, --engine, --address, --frozen and --json alone."
        )
    tasks = list_tasks()
    if not tasks:
        raise SftdataError(
            "There is no spec in the project's pipelines/.",
            "Write one: sftdata init DIR",
            code="E402",
        )
    failed = []
    for task in tasks:
        print_note(f"{task}:")
        try:
            build_and_report(as_json=as_json, task=task, **shared)
        except SftdataError as error:
            print_error(error)
            failed.append(task)
    if failed:
        print_note(f"Not built: {', '.join(failed)}.")
        sys.exit(1)


def build_and_report(*, as_json: bool = False, shows_next: bool = True, **options: Any) -> None:
    """Builds, and prints progress, notes, the summary of the dataset, and what to do next."""
    from sftdata.building.build import build

    started = time.monotonic()
    with show_progress(started) as progress:
        outcome = build(**options, report=print_note, progress=progress)
    seconds = time.monotonic() - started
    manifest = outcome.manifest
    if as_json:
        print_json(manifest.summary())
    else:
        print_summary(outcome, seconds)
        if shows_next:
            print_next_commands(outcome)


def _dry_run(options: dict[str, Any], as_json: bool) -> None:
    from sftdata.building.dry_run import dry_run
    from sftdata.building.workforce import choose_workforce, describe_number
    from sftdata.cli.ledger import describe
    from sftdata.reading.unread import describe_unread

    # A few rows need no workers, but the options must agree as in a build.
    workforce = choose_workforce(*(options.pop(n) for n in ("workers", "engine", "address")))
    options["templates"] = options.pop("template")
    run = dry_run(**options)
    for note in (*run.notes, describe_unread(run.unread)):
        if note is not None:
            print_note(note)
    parts = run.examples
    workers = None if workforce.on_ray else workforce.number or run.workers
    rows_out = sum(examples.batch.num_rows for examples in parts)
    rows_in = sum(int(examples.blocks.rows_in.sum()) for examples in parts)
    if as_json:
        print_json(
            {
                "dry_run": True,
                "workers": workers,
                "rows_in": rows_in,
                "rows_out": rows_out,
                "ledger": [asdict(line) for line in run.ledger],
                "warnings": run.warnings,
                "not_checked": ["later rows", "duplicates", "repeated ids"],
                "unread": run.unread,
            }
        )
        return
    print_note(f"Of the first {rows_in:,} rows, {rows_out:,} become examples.")
    for line in run.ledger:
        print_note(f"  {describe(line)}")
    for warning in run.warnings:
        print_note(warning)
    print_note("Not checked: later rows, duplicates, and ids that repeat.")
    if workforce.number is None and workers is not None and workers > 1:
        print_note(f"The build: {describe_number(workers)}")
