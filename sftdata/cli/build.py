"""sftdata build."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.memory import keep_memory
from sftdata.cli.output import console, print_json, print_note

if TYPE_CHECKING:
    from sftdata.base.reporting import Progress
    from sftdata.building.build import Outcome
    from sftdata.writing.manifest import Manifest

_SHOW_PROGRESS_AFTER = 1.0  # seconds
_SECONDS_PER_LINE = 10.0


@click.command("build")
@click.option("--task", help="Build pipelines/TASK.toml. Without --spec: summarize.")
@click.option("--spec", type=click.Path(dir_okay=False, path_type=Path), help="Build this spec.")
@click.option(
    "--data",
    multiple=True,
    metavar="PATH",
    help="Read this file, glob, folder, - or hf:NAME. Repeatable.",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="FIELD=PATH",
    help="Read FIELD from PATH, such as answers.text[0]. Repeatable.",
)
@click.option("--preset", metavar="NAME", help="Map the columns of a known set; see: sources.")
@click.option(
    "--template",
    multiple=True,
    metavar="ID",
    help="Render with this template, such as summarize/article. Repeatable: each row gets one.",
)
@click.option("--tokenizer", metavar="NAME_OR_DIR", help="Tokenize with this one.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write here. Default: data/TASK.",
)
@click.option("--max-length", type=click.IntRange(min=2), help="Fit examples into so many tokens.")
@click.option("--chat", is_flag=True, default=None, help="Use the tokenizer's chat template.")
@click.option(
    "--shots", type=click.IntRange(0, 64), metavar="K", help="Put K solved examples first."
)
@click.option("--seed", type=int, help="Seed of all that is chosen: splits, templates, shots.")
@click.option(
    "--near-duplicates",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Drop rows that are this similar to an earlier one, such as 0.8.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="FILE",
    help="Drop rows whose source text stands in this evaluation file. Repeatable.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that render and tokenize. One uses all cores where a template is plain.",
)
@click.option(
    "--max-dropped",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="More dropped rows than this is an error.",
)
@click.option("--frozen", is_flag=True, help="Refuse templates that are not released.")
@click.option(
    "--dry-run", is_flag=True, help="Check everything, build the first rows, write nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest's summary as JSON.")
def command(maps: tuple[str, ...], dry_run: bool, as_json: bool, **options: Any) -> None:
    """Build a dataset: read golden rows, render, tokenize, write shards, commit.

    Example: sftdata build --task summarize --data news.jsonl --map summary=highlights
    """
    options["fields"] = dict(_split_map(item) for item in maps) or None
    for name in ("data", "against", "template"):
        options[name] = options[name] or None
    if options["task"] is None and options["spec"] is None:
        options["task"] = "summarize"
    if dry_run:
        _dry_run(options)
        return
    keep_memory()
    from sftdata.building.build import build

    started = time.monotonic()
    with _progress(started) as progress:
        outcome = build(**options, report=print_note, progress=progress)
    _warn_of_draft(outcome)
    if as_json:
        print_json(outcome.manifest.summary())
    else:
        _print_summary(outcome, time.monotonic() - started)


def _split_map(item: str) -> tuple[str, str]:
    field, equals, path = item.partition("=")
    if not (field and equals and path):
        raise click.BadParameter(f"'{item}' is not FIELD=PATH.", param_hint="--map")
    return field, path


def _dry_run(options: dict[str, Any]) -> None:
    from sftdata.building.dry_run import dry_run

    for name in ("out", "workers", "frozen"):
        options.pop(name)
    options["templates"] = options.pop("template")
    made = dry_run(**options)
    rows_out = sum(examples.batch.num_rows for examples in made)
    rows_in = sum(int(examples.blocks.rows_in.sum()) for examples in made)
    print_note(f"Everything checks. Of the first {rows_in} rows, {rows_out} become examples.")
    for _, line in (entry for examples in made for entry in examples.blocks.ledger):
        print_note(f"  row '{line.row_id}': {line.status}, {line.reason}: {line.detail}")


@contextmanager
def _progress(started: float) -> Iterator[Progress]:
    """Rows and rate on stderr once a build takes longer than a moment: a bar on a terminal, else
    a line now and then."""
    screen = console(stderr=True) if sys.stderr.isatty() else None  # rich takes time to load
    if screen is None or not screen.is_terminal:
        yield _progress_lines(started)
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(BarColumn(), TextColumn("{task.description}"), console=screen, transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        def show(rows: int) -> None:
            seconds = time.monotonic() - started
            if seconds > _SHOW_PROGRESS_AFTER:
                bar.update(task, description=_rate(rows, seconds), visible=True)

        yield show


def _progress_lines(started: float) -> Progress:
    next_line = started + _SECONDS_PER_LINE

    def show(rows: int) -> None:
        nonlocal next_line
        now = time.monotonic()
        if now > next_line:
            next_line = now + _SECONDS_PER_LINE
            print_note(_rate(rows, now - started))

    return show


def _rate(rows: int, seconds: float) -> str:
    return f"{rows:,} rows, {rows / seconds:,.0f} a second"


def _warn_of_draft(outcome: Outcome) -> None:
    if outcome.manifest["draft"]:
        drafts = [name for name in outcome.manifest["template"] if name.endswith("@draft")]
        names, are = ", ".join(drafts), "are drafts" if len(drafts) > 1 else "is a draft"
        print_note(f"Warning: {names} {are}; the dataset is marked so.")


def _print_summary(outcome: Outcome, seconds: float) -> None:
    manifest = outcome.manifest
    stats = manifest["stats"]
    if outcome.up_to_date:
        what = "Up to date: nothing was redone."
    elif outcome.reused_rows:
        what = f"Built; {outcome.reused_rows:,} of {manifest['rows_in']:,} rows were reused."
    else:
        what = "Built."
    dropped = ", ".join(f"{n:,} {reason}" for reason, n in manifest["dropped"].items()) or "none"
    click.echo(
        f"{what}\n"
        f"  rows      {manifest['rows_in']:,} in, {manifest['rows_out']:,} out, "
        f"{manifest['cut']:,} cut; dropped: {dropped}{_more(manifest)}\n"
        f"  tokens    {stats['tokens']:,}, of which {stats['target_tokens']:,} in the loss "
        f"({stats['target_share']:.1%})\n"
        f"  time      {seconds:.2f} s, {manifest['rows_in'] / seconds:,.0f} rows a second\n"
        f"  dataset  {escape(str(manifest.directory))}"
    )


def _more(manifest: Manifest) -> str:
    flagged = ", ".join(f"{n:,} {reason}" for reason, n in manifest["flagged"].items())
    repeated = f"; {manifest['repeated']:,} repeated" if manifest["repeated"] else ""
    return (f"; flagged: {flagged}" if flagged else "") + repeated
