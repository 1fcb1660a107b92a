"""sftdata doctor."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, FILE, json_option
from sftdata.cli.output import print_json, print_note

if TYPE_CHECKING:
    from sftdata.inspecting.doctor import Finding


@click.command("doctor")
@click.argument("dataset", type=DATASET)
@click.option(
    "--check", "only", multiple=True, metavar="ID", help="Run only this check. Repeatable."
)
@click.option(
    "--list",
    "list_checks",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, wanted: _list_checks(context) if wanted else None,
    help="List every check with its severity, and exit.",
)
@click.option("--strict", is_flag=True, help="Exit 1 if there is a finding.")
@click.option(
    "--sarif",
    type=FILE,
    metavar="FILE",
    help="Also write the findings as SARIF 2.1.0.",
)
@json_option()
def command(
    dataset: Path, only: tuple[str, ...], strict: bool, sarif: Path | None, as_json: bool
) -> None:
    """Find rows of DATASET that spoil training: masks, text, repeats, private data.

    Example: sftdata doctor data/summarize --strict --sarif doctor.sarif
    """
    from sftdata.inspecting.doctor import diagnose
    from sftdata.loading.dataset import load

    data = load(dataset)
    findings = diagnose(data, only=only or None)
    if sarif is not None:
        from sftdata.inspecting.doctor.sarif import to_sarif

        sarif.write_text(json.dumps(to_sarif(findings, data.manifest), indent=1), encoding="utf-8")
        print_note(f"Wrote {sarif}: {len(findings)} findings.")
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        click.echo(
            "\n\n".join(map(_describe, findings)) or f"{escape(str(dataset))}: nothing found."
        )
    if strict and findings:
        sys.exit(1)


def _list_checks(context: click.Context) -> None:
    from sftdata.inspecting.doctor import CHECKS

    for check in CHECKS:
        click.echo(f"{check.id:29} {check.severity:8} {check.title}")
    context.exit()


def _describe(finding: Finding) -> str:
    detail = f"\n  {escape(finding.detail)}" if finding.detail else ""
    rows = ", ".join(escape(row) for row in finding.row_ids)
    more = ", …" if finding.count > len(finding.row_ids) and rows else ""
    return (
        f"{finding.severity}  {finding.id}  {finding.count:,}\n  {finding.title}{detail}"
        + (f"\n  rows: {rows}{more}" if rows else "")
        + f"\n  {finding.way_out}"
    )
