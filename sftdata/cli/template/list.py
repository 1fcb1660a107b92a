"""sftdata template list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.layout import print_lines
from sftdata.cli.options import data_root_option, json_option
from sftdata.cli.output import print_json

if TYPE_CHECKING:
    from sftdata.versioning.catalog import Entry


@click.command("list")
@data_root_option()
@json_option()
def command(data_root: Path, as_json: bool) -> None:
    """List the templates.

    With their latest release, whether there is a draft, their fields, and the datasets built with
    them.

    Example: sftdata template list
    """
    from sftdata.versioning.catalog import list_templates

    entries = list_templates(data_root)
    if as_json:
        print_json([entry.to_json() for entry in entries])
    else:
        print_lines(_table(entries))


def _table(entries: list[Entry]) -> list[str]:
    wide = max((len(entry.id) for entry in entries), default=0)
    lines = [f"{'template':{wide}}  {'release':9} {'draft':10} fields → target; datasets"]
    for entry in entries:
        inputs = ", ".join(f for f in entry.fields if f not in entry.target_fields)
        fields = f"{inputs} → {', '.join(entry.target_fields)}"
        built = f"; {', '.join(entry.built)}" if entry.built else ""
        line = f"{entry.id:{wide}}  {entry.latest or '-':9} {entry.draft:10} {fields}{built}"
        lines.append(escape(f"{line}; {entry.fault}" if entry.fault else line))
    return lines
