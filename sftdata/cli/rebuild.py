"""sftdata rebuild."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import json_option, print_json, print_note


@click.command("rebuild")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the new dataset here.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
@json_option()
def command(manifest: Path, out: Path, workers: int, as_json: bool) -> None:
    """Build the dataset of MANIFEST again from its recorded inputs, and compare the bytes.

    Ends with "identical", or with exit code 3 and the first difference.

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
