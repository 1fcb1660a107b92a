"""sftdata template lint."""

from __future__ import annotations

import sys

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import print_json


@click.command("lint")
@click.argument("templates", nargs=-1, metavar="[TEMPLATE]...")
@json_option()
def command(templates: tuple[str, ...], as_json: bool) -> None:
    """Look for faults in working copies.

    Without TEMPLATE, of all templates. Exit 1 on a fault.

    Example: sftdata template lint summarize/article
    """
    from sftdata.versioning.findings import summarize_findings
    from sftdata.versioning.lint import lint_working_copies

    findings = lint_working_copies(templates)
    summary = summarize_findings(findings)
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            click.echo(escape(finding.to_line()))
        if summary is not None:
            click.echo(summary)
    if summary is None:
        sys.exit(1)
