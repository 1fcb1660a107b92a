"""sftdata verify."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.faults import damaged
from sftdata.cli.options import DATASET_ANEW, json_option
from sftdata.cli.output import print_json
from sftdata.errors import UsageError


@click.command("verify")
@click.argument("dataset", type=DATASET_ANEW)
@click.option("--deep", is_flag=True, help="Check every row, too, not only the files.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --deep: encode the text of about N rows again, not of all.",
)
@json_option()
def command(dataset: Path, deep: bool, sample: int | None, as_json: bool) -> None:
    """Check the files of DATASET against its manifest: digests, sizes, columns, counts. Exit 3 on a
    fault.

    With --deep, check every row, and encode its text again with the tokenizers library: the ids
    must be the same. The output says what was proved.

    Example: sftdata verify data/summarize --deep
    """
    from sftdata.inspecting.verify import verify

    if sample is not None and not deep:
        raise UsageError("--sample has an effect only with --deep.", "Add --deep, or leave it out.")
    found = verify(dataset, deep=deep, sample=sample)
    faults = found.faults
    if as_json:
        print_json({"verified": not faults, "faults": faults, "checked": found.checked})
    elif not faults:
        click.echo(f"{escape(str(dataset))} is intact.")
        for line in found.checked:
            click.echo(f"  {line}")
    if faults:
        raise damaged(dataset, faults)
