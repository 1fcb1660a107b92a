"""sftdata diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.base.wording import count
from sftdata.cli.layout import format_table, print_lines, terminal_width
from sftdata.cli.options import DATASET, FILE, json_option
from sftdata.cli.output import print_json, print_note

if TYPE_CHECKING:
    from sftdata.inspecting.compare.datasets.diff import DatasetDiff
    from sftdata.inspecting.compare.datasets.samples import RowChange


@click.command("diff")
@click.argument("dataset_a", type=DATASET)
@click.argument("dataset_b", type=DATASET)
@click.option(
    "--html",
    type=FILE,
    metavar="FILE",
    help="Also write the comparison to a page that opens offline.",
)
@json_option()
def command(dataset_a: Path, dataset_b: Path, html: Path | None, as_json: bool) -> None:
    """Compare two datasets: which inputs differ, and how their tokens differ.

    Example: sftdata diff data/summarize-1 data/summarize-2 --html diff.html
    """
    from sftdata.inspecting.compare.datasets.diff import diff_datasets
    from sftdata.loading.dataset import load

    diff = diff_datasets(load(dataset_a), load(dataset_b))
    if html is not None:
        from sftdata.inspecting.pages.diff import render_diff
        from sftdata.inspecting.pages.render import save_page

        page = render_diff(diff, (str(dataset_a), str(dataset_b)))
        save_page(html, page)
        print_note(f"Wrote {html}: {count(len(diff.samples), 'sample')} of changed rows.")
    if as_json:
        print_json(diff.to_json())
    else:
        print_lines(_lines(diff, terminal_width()))


def _lines(diff: DatasetDiff, width: int | None) -> list[str]:
    from sftdata.inspecting.compare.datasets.wording import list_changes, list_totals, show_value

    lines = ["inputs that differ:" if diff.inputs else "inputs that differ: none"]
    for change in diff.inputs:
        a, b = (escape(show_value(value)) for value in (change.a, change.b))
        lines.append(f"  {change.kind:10} {escape(change.name)}: {a} → {b}")
    if diff.is_identical:
        lines.append(f"the examples are identical: {count(diff.rows[0], 'row')}")
        return lines
    rows = [
        [label, f"{before:,}", f"{after:,}", f"{after - before:+,}"]
        for label, (before, after) in list_totals(diff)
    ]
    table = format_table(("", "A", "B", "change"), rows, (15, 14, 14, 14), width)
    lines += ["", *table, ""]
    lines += [f"{number:>10,} {escape(label)}" for label, number in list_changes(diff)]
    for row in diff.samples:
        lines += ["", *_sample(row)]
    return lines


def _sample(row: RowChange) -> list[str]:
    from sftdata.inspecting.compare.datasets.wording import describe_place

    prompt, target = row.prompt_tokens, row.target_tokens
    lines = [
        f"row {escape(row.row_id)}: prompt {prompt[0]:,} → {prompt[1]:,} tokens, target "
        f"{target[0]:,} → {target[1]:,}, {describe_place(row)}"
    ]
    if row.text is not None and row.before is not None:
        if row.before:
            lines.append(f"    {escape(row.before)}")
        if row.text[0] == row.text[1]:
            lines.append(f"    {escape(row.text[0])}  (the same text, other ids)")
        else:
            lines += [f"  {sign} {escape(t)}" for sign, t in zip("-+", row.text, strict=True)]
    return lines
