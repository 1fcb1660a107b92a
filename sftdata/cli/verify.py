"""sftdata verify."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.faults import damaged
from sftdata.cli.options import WHOLE_DATASET, json_option
from sftdata.cli.output import print_json


@click.command("verify")
@click.argument("dataset", type=WHOLE_DATASET)
@click.option("--deep", is_flag=True, help="Check every row, too, not only the files.")
@json_option()
def command(dataset: Path, deep: bool, as_json: bool) -> None:
    """Check the files of DATASET against its manifest: digests, sizes, columns, counts. Exit 3 on a
    fault.

    Example: sftdata verify data/summarize --deep
    """
    from sftdata.inspecting.verify import find_faults

    faults = find_faults(dataset, deep=deep)
    if as_json:
        print_json({"verified": not faults, "faults": faults})
    elif not faults:
        click.echo(f"{escape(str(dataset))} is intact.")
    if faults:
        raise damaged(dataset, faults)
