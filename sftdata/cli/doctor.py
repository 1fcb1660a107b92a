"""sftdata doctor."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.base.wording import count
from sftdata.cli.layout import print_lines
from sftdata.cli.options import DATASET, FILE, json_option
from sftdata.cli.output import print_json, print_note

if TYPE_CHECKING:
    from sftdata.inspecting.doctor import Finding
    from sftdata.inspecting.doctor.finding import FoundRow

SEVERITIES = ("error", "warning", "note")  # the worst first


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
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    help="Exit 1 if there is a finding as bad as this. Default: error.",
)
@click.option("--strict", is_flag=True, help="The same as --fail-on note: any finding.")
@click.option(
    "--sarif",
    type=FILE,
    metavar="FILE",
    help="Also write the findings as SARIF 2.1.0.",
)
@json_option()
def command(
    dataset: Path,
    only: tuple[str, ...],
    fail_on: str | None,
    strict: bool,
    sarif: Path | None,
    as_json: bool,
) -> None:
    """Find rows of DATASET that spoil training: masks, text, repeats, private data.

    Each finding names a few rows with the line of their source and the text that was found.

    Example: sftdata doctor data/summarize --fail-on warning --sarif doctor.sarif
    """
    from sftdata.inspecting.doctor import diagnose
    from sftdata.inspecting.doctor.checks import near_duplicates
    from sftdata.loading.dataset import load

    if strict and fail_on is not None:
        raise click.UsageError("--strict and --fail-on say the same thing twice; give one of them.")

    data = load(dataset)
    findings = diagnose(data, only=only or None)
    sample = near_duplicates.describe_sample(data)
    if sample and (not only or near_duplicates.ID in only):
        print_note(f"{near_duplicates.ID} compares {sample} with the rows of the other splits.")
    if sarif is not None:
        from sftdata.base.files import write_output
        from sftdata.inspecting.doctor.sarif import to_sarif

        write_output(sarif, json.dumps(to_sarif(findings, data.manifest), indent=1).encode())
        print_note(f"Wrote {sarif}: {count(len(findings), 'finding')}.")
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        parts = [describe(finding) for finding in findings]
        severities: list[str] = [finding.severity for finding in findings]
        found = ", ".join(count(severities.count(name), name) for name in SEVERITIES)
        parts.append([f"{count(len(findings), 'finding')}: {found}."])
        if not findings:
            parts = [[f"{escape(str(dataset))}: nothing found."]]
        print_lines([line for part in parts for line in (*part, "")][:-1])
    limit = "note" if strict else fail_on or "error"
    failing = SEVERITIES[: SEVERITIES.index(limit) + 1] if limit in SEVERITIES else ()
    if any(finding.severity in failing for finding in findings):
        sys.exit(1)


def _list_checks(context: click.Context) -> None:
    from sftdata.inspecting.doctor import CHECKS

    for check in CHECKS:
        click.echo(f"{check.id:29} {check.severity:8} {check.title}")
    context.exit()


def describe(finding: Finding) -> list[str]:
    """The finding in lines: its rows by what they quote, each quote once."""
    lines = [f"{finding.severity}  {finding.id}  {finding.count:,}", f"  {finding.title}"]
    if finding.detail:
        lines.append(f"  {escape(finding.detail)}")
    places: dict[str, list[str]] = {}
    for row in finding.rows:
        places.setdefault(row.quote, []).append(_describe_place(row))
    for quote, rows in places.items():
        if len(rows) > 1 and quote:
            lines += [
                f'    "{escape(quote)}": {count(len(rows), "row")}',
                f"      {', '.join(rows)}",
            ]
        else:
            lines += [f'    {row}: "{escape(quote)}"' if quote else f"    {row}" for row in rows]
    if finding.rows and finding.count > len(finding.rows):
        lines.append(f"    and {finding.count - len(finding.rows):,} more")
    return [*lines, f"  {finding.way_out}"]


def _describe_place(row: FoundRow) -> str:
    name = f"row {escape(row.row_id)}"
    return f"{escape(row.source)} ({name})" if row.source else name
