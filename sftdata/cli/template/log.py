"""sftdata template log."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import data_root_option, json_option
from sftdata.cli.output import print_json


@click.command("log")
@click.argument("template")
@data_root_option()
@json_option()
def command(template: str, data_root: Path, as_json: bool) -> None:
    """List the releases of TEMPLATE.

    With the bump, its reasons, the date from git, and the datasets built with each.

    Example: sftdata template log summarize/article
    """
    from sftdata.versioning.catalog import read_log

    lines = read_log(template, data_root)
    if as_json:
        print_json([line.to_json() for line in lines])
        return
    for line in lines:
        why = ", ".join(line.rules) or ("not released" if not line.bump else "")
        built = f"  {', '.join(line.built)}" if line.built else ""
        click.echo(
            escape(
                f"{line.version:9} {line.bump.upper():6} {line.date or '':25} "
                f"{line.source_sha256[:12]}  {why}{built}"
            )
        )
