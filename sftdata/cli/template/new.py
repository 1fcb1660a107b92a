"""sftdata template new."""

from __future__ import annotations

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import print_json


@click.command("new")
@click.argument("template")
@click.option("--from", "source", metavar="TEMPLATE", help="Copy this id or id@version.")
@json_option()
def command(template: str, source: str | None, as_json: bool) -> None:
    """Write a first working copy of TEMPLATE, with its task's fields or from another template.

    Example: sftdata template new summarize/headline --from summarize/article
    """
    from sftdata.versioning.scaffold import new_template

    path = new_template(template, source)
    if as_json:
        print_json({"template": template, "path": str(path)})
    else:
        click.echo(f"Wrote {escape(str(path))}. Edit it, then: sftdata template release {template}")
