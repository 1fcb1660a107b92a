"""sftdata compare-runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FILE, json_option
from sftdata.cli.output import print_json, print_note
from sftdata.cli.train_extra import needs_train_extra

if TYPE_CHECKING:
    from sftdata_train.evaluating.run_comparison import RunsComparison


@click.command("compare-runs")
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="A B [C]…")
@click.option(
    "--html",
    type=FILE,
    metavar="FILE",
    help="Also write the comparison to a page that opens offline.",
)
@json_option()
@needs_train_extra
def command(runs: tuple[Path, ...], html: Path | None, as_json: bool) -> None:
    """Compare saved evaluations: which data made the better model, and how sure that is.

    A, B, … are files of `sftdata eval --save`. Each is compared with A, on the rows that all have:
    metrics with 95 % intervals, a paired bootstrap, and the settings in which the runs differ.

    Example: sftdata compare-runs plain.json question.json --html runs.html
    """
    from sftdata_train.evaluating.run_comparison import compare_runs
    from sftdata_train.evaluating.run_record import read_run

    if len(runs) < 2:
        raise click.UsageError("Give two saved evaluations or more.")
    found = compare_runs([read_run(path) for path in runs])
    if html is not None:
        from sftdata.inspecting.pages.render import save_page
        from sftdata_train.evaluating.page import render_runs

        save_page(html, render_runs(found))
    if as_json:
        print_json(found.to_json())
        return
    for note in found.notes:
        print_note(note)
    click.echo("\n".join(_lines(found)))


def _lines(found: RunsComparison) -> list[str]:
    from sftdata_train.evaluating.run_comparison import show_value

    lines = ["what differs" if found.settings else "what differs: nothing"]
    for setting in found.settings:
        values = " | ".join(escape(show_value(value)) or "-" for value in setting.values)
        lines.append(f"  {escape(setting.name)}: {values}")
    width = max(12, *map(len, found.names))
    for task in found.results[0].scores:
        names = [score.name for score in found.results[0].scores[task]]
        head = f"{escape(task):{width}} {'rows':>6} {'loss':>24}"
        lines += ["", head + "".join(f" {name:>24}" for name in names)]
        for name, result in zip(found.names, found.results, strict=True):
            loss = result.losses[task]
            cells = [f"{loss.value:.4f} [{loss.low:.4f}, {loss.high:.4f}]"]
            cells += [f"{s.value:.1f} [{s.low:.1f}, {s.high:.1f}]" for s in result.scores[task]]
            lines.append(
                f"{escape(name):{width}} {result.task_rows[task]:>6,}"
                + "".join(f" {cell:>24}" for cell in cells)
            )
        for name, comparisons in zip(found.names[1:], found.comparisons, strict=True):
            lines += [
                f"{escape(name)} against {escape(found.names[0])}, {one.describe()}"
                for one in comparisons
                if one.task == task
            ]
    return lines
