"""sftdata template check."""

from __future__ import annotations

import sys

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import print_json


@click.command("check")
@click.argument("templates", nargs=-1, metavar="[TEMPLATE]...")
@click.option(
    "--against",
    metavar="REV|VERSION",
    help="Compare the releases with those of a commit, or the templates with a version.",
)
@click.option("--frozen", is_flag=True, help="Fail on changes that are not released.")
@json_option()
def command(templates: tuple[str, ...], against: str | None, frozen: bool, as_json: bool) -> None:
    """Check releases and working copies, for CI. Exit 1 with the id of each broken rule.

    Example: sftdata template check --against origin/main --frozen
    """
    from sftdata.versioning.check import check
    from sftdata.versioning.findings import summarize_findings

    findings = check(templates, against=against, frozen=frozen)
    summary = summarize_findings(findings)
    if as_json:
        print_json({"ok": summary is not None, "findings": [f.to_json() for f in findings]})
    else:
        for finding in findings:
            click.echo(escape(finding.to_line()))
        if summary is not None:
            click.echo(f"{summary} Every change is released." if frozen else summary)
    if summary is None:
        sys.exit(1)
