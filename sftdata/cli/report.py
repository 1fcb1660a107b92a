"""sftdata report."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.cli.output import DATASET, print_note


@click.command("report")
@click.argument("dataset", type=DATASET)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default="report.html",
    show_default=True, help="The file to write.",
)  # fmt: skip
@click.option("--against", type=DATASET, help="A second dataset to compare with.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the samples.")
def command(dataset: Path, output: Path, against: Path | None, seed: int) -> None:
    """Write one page about DATASET that opens without a network.

    Example: sftdata report data/summarize -o report.html
    """
    from sftdata.inspecting.report import render_report
    from sftdata.loading.dataset import load

    other = None if against is None else load(against)
    output.write_text(render_report(load(dataset), other, seed=seed), encoding="utf-8")
    print_note(f"Wrote {output}.")
