"""sftdata report."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.cli.options import DATASET, FILE
from sftdata.cli.output import print_note


@click.command("report")
@click.argument("dataset", type=DATASET)
@click.option(
    "-o", "--output", type=FILE, default="report.html",
    show_default=True, help="The file to write.",
)  # fmt: skip
@click.option("--against", type=DATASET, help="Compare with this other dataset.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the samples.")
def command(dataset: Path, output: Path, against: Path | None, seed: int) -> None:
    """Write one page about DATASET that opens offline.

    Example: sftdata report data/summarize -o report.html
    """
    from sftdata.inspecting.pages.render import save_page
    from sftdata.inspecting.pages.report import render_report
    from sftdata.loading.dataset import load

    other = None if against is None else load(against)
    save_page(output, render_report(load(dataset), other, seed=seed))
    print_note(f"Wrote {output}.")
