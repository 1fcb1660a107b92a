"""sftdata ledger."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import DATASET, json_option, print_json
from sftdata.errors import SftdataError, did_you_mean


@click.command("ledger")
@click.argument("dataset", type=DATASET)
@click.option("--reason", help="Only rows with this reason.")
@json_option()
def command(dataset: Path, reason: str | None, as_json: bool) -> None:
    """List the rows of DATASET's sources that were dropped or cut, a line each, with the reason.

    With --json one object a line. Example: sftdata ledger data/summarize --reason empty_field
    """
    from sftdata.writing.ledger import Ledger
    from sftdata.writing.manifest import read_manifest

    lines = Ledger.read(read_manifest(dataset)).lines
    reasons = {line.reason for line in lines}
    if reason is not None and reason not in reasons:
        raise SftdataError(f"No row has the reason '{reason}'.", did_you_mean(reason, reasons))
    for line in lines:
        if reason is not None and line.reason != reason:
            continue
        if as_json:
            print_json(asdict(line))
        else:
            click.echo(
                f"{escape(line.source)}: {line.status}, {line.reason}: "
                f"{escape(line.detail)} (row {escape(line.row_id)})"
            )
