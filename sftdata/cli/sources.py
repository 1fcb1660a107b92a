"""sftdata sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import console, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from sftdata.spec.presets import Preset

_USE = """
Build from one:      sftdata build --task TASK --data preset:NAME   (or --data hf:ID)
From a copy of one:  sftdata build --task TASK --preset NAME --data FILE
In a spec:           data = ["preset:NAME"], or preset = "NAME" beside data = ["FILE"]"""


@click.command("sources")
@click.option("--task", help="Only datasets for this task.")
@json_option()
def command(task: str | None, as_json: bool) -> None:
    """List well-known datasets: where they are, size, license, and how their columns map.

    The facts are from the card of each dataset; nothing is downloaded.

    Example: sftdata sources --task summarize
    """
    from sftdata.spec.presets import load_presets

    presets = load_presets(task)
    if as_json:
        print_json([{"name": name, **preset.to_json()} for name, preset in presets.items()])
        return
    screen = console()
    if screen.is_terminal:
        _print_table(screen, presets)
    else:
        for name, preset in presets.items():
            click.echo(_describe(name, preset))
    click.echo(_USE.lstrip("\n"))


def _describe(name: str, preset: Preset) -> str:
    facts = {
        "data": preset.source,
        "rows": "; ".join(_rows(preset)),
        "columns": ", ".join(preset.columns),
        "mapping": "; ".join(preset.mapping),
        "license": preset.license,
        "note": preset.note,
    }
    lines = [f"  {fact:9} {escape(text)}" for fact, text in facts.items() if text]
    return "\n".join([f"{escape(name)} ({escape(preset.task)})", *lines, ""])


def _print_table(screen: Console, presets: Mapping[str, Preset]) -> None:
    from rich.table import Table

    table = Table(show_lines=True)
    for header in ("preset", "on the Hub", "rows", "columns", "mapping"):
        table.add_column(header, overflow="fold")  # a shortened id cannot be copied
    for name, preset in presets.items():
        cells = (
            [name, preset.task],
            [preset.source, f"license: {preset.license}", preset.note],
            _rows(preset),
            preset.columns,
            preset.mapping,
        )
        table.add_row(*("\n".join(map(escape, lines)) for lines in cells))
    screen.print(table)


def _rows(preset: Preset) -> list[str]:
    return [f"{split} {count:,}" for split, count in preset.rows.items()]
