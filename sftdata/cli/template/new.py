"""sftdata template new."""

from __future__ import annotations

from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FILE, json_option
from sftdata.cli.output import print_json


@click.command("new")
@click.argument("template")
@click.option("--from", "source", metavar="TEMPLATE", help="Copy this id or id@version.")
@click.option("--spec", type=FILE, metavar="FILE", help="Take the fields of the spec in this file.")
@json_option()
def command(template: str, source: str | None, spec: Path | None, as_json: bool) -> None:
    """Write a first working copy of TEMPLATE.

    It starts with its task's fields, or as another template (--from). The fields are those of
    pipelines/TASK.toml, or of another spec that names the template.

    Example: sftdata template new summarize/headline --from summarize/article
    """
    if source is not None and spec is not None:
        raise click.UsageError("Use --from or --spec: a copy takes its fields from the template.")
    from sftdata.versioning.scaffold import new_template

    path = new_template(template, source, spec=spec)
    if as_json:
        print_json({"template": template, "path": str(path)})
    else:
        click.echo(f"Wrote {escape(str(path))}. Edit it, then: sftdata template release {template}")
