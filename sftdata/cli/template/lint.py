"""sftdata template lint."""

from __future__ import annotations

import sys

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import json_option, print_json


@click.command("lint")
@click.argument("templates", nargs=-1, metavar="[TEMPLATE]...")
@json_option()
def command(templates: tuple[str, ...], as_json: bool) -> None:
    """Look for faults in the working copies of TEMPLATE…, or of all templates. Exit code 1 for any.

    Example: sftdata template lint summarize/article
    """
    from sftdata.versioning.lint import lint_working_copies

    findings = lint_working_copies(templates)
    if as_json:
        print_json([finding.to_json() for finding in findings])
    for finding in () if as_json else findings:
        click.echo(escape(finding.to_line()))
    if any(finding.level == "error" for finding in findings):
        sys.exit(1)
    if not as_json:
        click.echo("No faults.")
