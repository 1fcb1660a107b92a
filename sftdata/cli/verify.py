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
    help="With --deep: make N rows again, not all; always the same ones.",
)
@json_option()
def command(dataset: Path, deep: bool, sample: int | None, as_json: bool) -> None:
    """Check the files of DATASET against its manifest: digests, sizes, columns, counts. Exit 3 on a
    fault.

    With --deep, check every row, too, and make it again from its source, template and tokenizer,
    with Jinja and the tokenizers library alone: tokens and mask must be the same. The output says
    what was proved, and what was not, for example where a source is gone.

    Example: sftdata verify data/summarize --deep
    """
    from sftdata.building.oracle.make_again import make_again
    from sftdata.inspecting.verify import verify
    from sftdata.loading.stored import address_of

    if sample is not None and not deep:
        raise UsageError("--sample has an effect only with --deep.", "Add --deep, or leave it out.")
    found = verify(dataset, deep=deep, sample=sample, make_again=make_again)
    faults = found.faults
    if as_json:
        print_json(
            {
                "verified": not faults,
                "faults": faults,
                "checked": found.checked,
                "not_proved": found.not_proved,
            }
        )
    elif not faults:
        click.echo(f"{escape(address_of(dataset) or str(dataset))} is intact.")
        for line in found.checked:
            click.echo(f"  {line}")
        for line in found.not_proved:
            click.echo(f"  not proved: {line}")
    if faults:
        raise damaged(dataset, faults)
