"""sftdata inspect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sftdata.base.wording import count
from sftdata.cli.options import FILE, ROWS_OF_DATASET, json_option
from sftdata.cli.output import console, print_json, print_note

if TYPE_CHECKING:
    from sftdata.inspecting.rows.inspector import InspectedRow
    from sftdata.inspecting.rows.select import RowFilter
    from sftdata.inspecting.rows.views import View
    from sftdata.loading.dataset import Dataset

_SHOWN = 3  # rows without an option that says how many


@click.command("inspect")
@click.argument("dataset", type=ROWS_OF_DATASET)
@click.option(
    "--split",
    help="Show rows of this split. Default: the first; all if another option selects rows.",
)
@click.option("--row", "row_id", metavar="ID", help="Show the row with this id.")
@click.option("--index", type=int, metavar="N", help="Show row N of the split, counted from 0.")
@click.option(
    "--random",
    "sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show N rows drawn at random.",
)
@click.option("--seed", type=int, help="Seed of --random. Default: 0.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show at most N rows. Default: 3.",
)
@click.option("--task", help="Only rows of this task.")
@click.option("--template", help="Only rows of this template, with or without its version.")
@click.option(
    "--min-tokens", type=click.IntRange(min=0), metavar="N", help="Only rows of N tokens or more."
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=0),
    metavar="N",
    help="Only rows of N tokens or fewer.",
)
@click.option("--reason", help="Only rows whose ledger line has this reason.")
@click.option(
    "--finding", metavar="ID", help="Only rows with this finding of `sftdata doctor --list`."
)
@click.option(
    "--view",
    type=click.Choice(["turns", "text", "tokens", "labels"]),
    multiple=True,
    help="Show this view of each row: the turns, long ones folded (default); the whole text; a "
    "line for each token; tokens by label. Repeatable.",
)
@click.option(
    "--html",
    type=FILE,
    metavar="FILE",
    help="Write the rows to a page that opens offline.",
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
    """Show examples of DATASET, turn by turn: the role, and whether the turn is taught.

    What is in the loss is bright, the rest dim; without colours, it stands between « and ».
    A role is shown where the chat template's control tokens tell it for certain.

    Example: sftdata inspect data/summarize --split train --index 0
    """
    _check_usage(choice, bool(view), to_file=html is not None, tui=tui, as_json=as_json)
    if html is not None:
        from sftdata.inspecting.pages.render import check_page_path

        check_page_path(html)
    from sftdata.loading.dataset import load

    data = load(dataset)
    if tui:
        _browse(data, choice)
        return
    rows = _load_rows(data, choice)
    if choice["is_default_limit"] and len(rows) > _SHOWN:
        rows.pop()
        print_note(f"The first {_SHOWN} rows are shown; --limit N shows more.")
    if html is not None:
        from sftdata.inspecting.pages.render import save_page
        from sftdata.inspecting.pages.rows import render_rows

        save_page(html, render_rows(data, rows))
        print_note(f"Wrote {html}: {count(len(rows), 'row')}.")
    elif as_json:
        for row in rows:
            print_json(row.to_json())
    else:
        print_rows(rows, view or ("turns",))


_CONDITIONS = ("task", "template", "min_tokens", "max_tokens", "reason", "finding")


def _check_usage(
    choice: dict[str, Any], with_view: bool, *, to_file: bool, tui: bool, as_json: bool
) -> None:
    """Refuses options that another option leaves without effect."""
    chosen = [choice[name] is not None for name in ("row_id", "index", "sample")]
    if sum(chosen) > 1:
        raise click.UsageError("Use one of --row, --index and --random.")
    if to_file + tui + as_json > 1:
        raise click.UsageError("Use one of --html, --tui and --json.")
    if tui and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("--tui needs a terminal. For a page with the rows: --html FILE")
    if tui and any(chosen):
        raise click.UsageError("--tui shows all rows: leave --row, --index and --random out.")
    if with_view and to_file + tui + as_json:
        raise click.UsageError(
            "--view is for the terminal: leave it out with --html, --tui, --json."
        )
    given = [name for name in _CONDITIONS if choice[name] is not None]
    if choice["row_id"] is not None and given:
        raise click.UsageError(f"--row names the one row: leave {_options(given)} out.")
    if choice["limit"] is not None and (tui or any(chosen)):
        raise click.UsageError("--limit is for the first rows: leave it out.")
    if choice["seed"] is not None and choice["sample"] is None:
        raise click.UsageError("--seed is the seed of --random, which is not given.")
    least, most = choice["min_tokens"], choice["max_tokens"]
    if least is not None and most is not None and least > most:
        raise click.UsageError(f"No row has {least} tokens or more and {most} or fewer.")
    choice["is_default_limit"] = choice["limit"] is None and not any(chosen)
    choice["limit"] = choice["limit"] or _SHOWN + 1  # one more tells whether there are more
    choice["seed"] = choice["seed"] or 0


def _options(names: list[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def _filter(choice: dict[str, Any]) -> RowFilter:
    from sftdata.inspecting.rows.select import RowFilter

    return RowFilter(**{name: choice[name] for name in _CONDITIONS})


def _load_rows(data: Dataset, choice: dict[str, Any]) -> list[InspectedRow]:
    from sftdata.inspecting.rows.inspector import Inspector
    from sftdata.inspecting.rows.select import choose_rows

    names = ("split", "row_id", "index", "sample", "seed", "limit")
    examples = choose_rows(data, wanted=_filter(choice), **{name: choice[name] for name in names})
    inspector = Inspector(data)
    return [inspector.inspect(split, example) for split, example in examples]


def print_rows(rows: list[InspectedRow], views: tuple[View, ...]) -> None:
    """Prints these views of each row, below a line with its ids and lengths."""
    from sftdata.inspecting.rows.terminal import to_rich, with_brackets
    from sftdata.inspecting.rows.views import Span, heading, view_spans

    out = console()
    for row in rows:
        spans = [Span(f"{heading(row)}\n", "note")]
        for view in views:
            shown = view_spans(view, row)
            is_coloured = out.color_system is not None and not out.no_color
            spans += shown if is_coloured else with_brackets(shown)
            spans.append(Span("\n\n" if view == "text" else "\n", "note"))
        out.print(to_rich(spans), soft_wrap=not out.is_terminal, end="")


def _browse(data: Dataset, choice: dict[str, Any]) -> None:
    from sftdata.errors import SftdataError
    from sftdata.inspecting.rows.select import find_rows

    try:
        from sftdata.inspecting.rows.tui import browse
    except ImportError as error:
        raise SftdataError(
            f"--tui needs the package '{error.name}'.",
            "Install it: pip install 'sftdata[tui]'",
            code="E104",
        ) from error
    splits = list(data) if choice["split"] is None else [choice["split"]]
    browse(find_rows(data, splits, _filter(choice)))
