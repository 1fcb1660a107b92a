"""sftdata inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sftdata.cli.output import DATASET, console, json_option, print_json, print_note

if TYPE_CHECKING:
    from sftdata.inspecting.rows.example import Inspected
    from sftdata.inspecting.rows.select import RowFilter
    from sftdata.inspecting.rows.views import View
    from sftdata.loading.dataset import Dataset


@click.command("inspect")
@click.argument("dataset", type=DATASET)
@click.option("--split", help="Look in this split. Default: the first, or all where one chooses.")
@click.option("--row", "row_id", metavar="ID", help="Show the row with this id.")
@click.option("--index", type=int, help="Show the row at this place, counted from 0.")
@click.option("--random", "sample", type=click.IntRange(min=1), metavar="N", help="Show N rows.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of --random.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Show at most N rows, where none of the three above chooses.",
)
@click.option("--task", help="Only rows of this task.")
@click.option("--template", help="Only rows of this template, with or without its version.")
@click.option("--min-tokens", type=click.IntRange(min=0), metavar="N", help="Only rows as long.")
@click.option("--max-tokens", type=click.IntRange(min=0), metavar="N", help="Only rows as short.")
@click.option("--reason", help="Only rows whose ledger line has this reason.")
@click.option(
    "--view",
    type=click.Choice(["text", "tokens", "labels"]),
    multiple=True,
    help="What to show of a row; several times for several. Default: text and labels.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the rows to one page that needs no network.",
)
@click.option("--tui", is_flag=True, help="Browse the rows full-screen.")
@json_option()
def command(
    dataset: Path,
    view: tuple[View, ...],
    html: Path | None,
    tui: bool,
    as_json: bool,
    **choice: Any,
) -> None:
    """Show examples of DATASET: prompt dim, target bright, control tokens in reverse.

    Example: sftdata inspect data/summarize --split train --index 0
    """
    _check_usage(choice, [html is not None, tui, as_json])
    from sftdata.loading.dataset import load

    data = load(dataset)
    if tui:
        _browse(data, choice)
        return
    shown = _inspected(data, choice)
    if html is not None:
        from sftdata.inspecting.pages.rows import render_rows

        html.write_text(render_rows(data, shown), encoding="utf-8")
        print_note(f"Wrote {html}.")
    elif as_json:
        for one in shown:
            print_json(one.to_json())
    else:
        _print(shown, view or ("text", "labels"))


def _check_usage(choice: dict[str, Any], outputs: list[bool]) -> None:
    chosen = [choice[name] is not None for name in ("row_id", "index", "sample")]
    if sum(chosen) > 1:
        raise click.UsageError("Use one of --row, --index and --random.")
    if sum(outputs) > 1:
        raise click.UsageError("Use one of --html, --tui and --json.")
    if any(chosen) and outputs[1]:
        raise click.UsageError("--tui shows every row: leave --row, --index and --random out.")


def _filter(choice: dict[str, Any]) -> RowFilter:
    from sftdata.inspecting.rows.select import RowFilter

    names = ("task", "template", "min_tokens", "max_tokens", "reason")
    return RowFilter(**{name: choice[name] for name in names})


def _inspected(data: Dataset, choice: dict[str, Any]) -> list[Inspected]:
    from sftdata.inspecting.rows.example import Inspector
    from sftdata.inspecting.rows.select import choose_rows

    names = ("split", "row_id", "index", "sample", "seed", "limit")
    rows = choose_rows(data, wanted=_filter(choice), **{name: choice[name] for name in names})
    inspector = Inspector(data)
    return [inspector.inspect(split, example) for split, example in rows]


def _print(shown: list[Inspected], views: tuple[View, ...]) -> None:
    from sftdata.inspecting.rows.terminal import to_rich
    from sftdata.inspecting.rows.views import Span, heading, view_spans

    for one in shown:
        spans = [Span(f"{heading(one)}\n", "note")]
        for view in views:
            spans += [*view_spans(view, one), Span("\n\n", "note")]
        console().print(to_rich(spans), soft_wrap=True, end="")


def _browse(data: Dataset, choice: dict[str, Any]) -> None:
    from sftdata.errors import SftdataError
    from sftdata.inspecting.rows.select import find_rows

    try:
        from sftdata.inspecting.rows.tui import browse
    except ImportError as error:
        raise SftdataError(
            f"--tui needs the package '{error.name}'.", "Install it: pip install 'sftdata[tui]'"
        ) from error
    splits = list(data) if choice["split"] is None else [choice["split"]]
    browse(find_rows(data, splits, _filter(choice)))
