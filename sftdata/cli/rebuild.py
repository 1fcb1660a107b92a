"""sftdata rebuild."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FOLDER, json_option
from sftdata.cli.output import print_json, print_note


@click.command("rebuild")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=FOLDER,
    help="Write the new dataset here.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that render and tokenize.",
)
@json_option()
def command(manifest: Path, out: Path, workers: int, as_json: bool) -> None:
    """Build the dataset of MANIFEST again from its recorded inputs, and compare the bytes.

    Prints "identical", or the first difference and exits 3.

    Example: sftdata rebuild data/summarize/manifest.json --out /tmp/again
    """
    from sftdata.building.rebuild import rebuild

    rebuilt = rebuild(manifest, out, workers=workers, report=print_note)
    if as_json:
        identical = rebuilt.difference is None
        print_json({"identical": identical, "difference": rebuilt.difference, "out": str(out)})
    else:
        click.echo(escape(rebuilt.difference or "identical"))
    if rebuilt.difference is not None:
        sys.exit(3)
