"""sftdata verify."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import DATASET, json_option, print_json
from sftdata.errors import VerificationError


@click.command("verify")
@click.argument("dataset", type=DATASET)
@click.option("--deep", is_flag=True, help="Check every row, not only the files.")
@json_option()
def command(dataset: Path, deep: bool, as_json: bool) -> None:
    """Check the dataset in DATASET: digests, sizes, columns, counts; exit 3 when it is not whole.

    Example: sftdata verify data/summarize --deep
    """
    from sftdata.inspecting.verify import find_faults

    faults = find_faults(dataset, deep=deep)
    if as_json:
        print_json({"verified": not faults, "faults": faults})
    elif not faults:
        click.echo(f"{escape(str(dataset))} is intact.")
    if faults:
        shown = "\n".join(faults[:20])
        more = f"\n… and {len(faults) - 20:,} more" if len(faults) > 20 else ""
        raise VerificationError(
            f"{dataset} does not agree with its manifest:\n{shown}{more}",
            "Build it again; what is intact is reused.",
        )
