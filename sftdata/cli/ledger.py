"""sftdata ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Status
from sftdata.base.wording import reason_of
from sftdata.cli.faults import damaged
from sftdata.cli.options import DATASET, json_option
from sftdata.cli.output import print_json, print_note


@click.command("ledger")
@click.argument("dataset", type=DATASET)
@click.option("--reason", help="List only rows with this reason.")
@json_option()
def command(dataset: Path, reason: str | None, as_json: bool) -> None:
    """List the source rows of DATASET that were dropped, cut or flagged, and why: one a line.

    The summary counts and explains each reason. With --json: one object a line, no summary.

    Example: sftdata ledger data/summarize --reason empty_field
    """
    from sftdata.spec.check_rules import explain_reason
    from sftdata.writing.ledger import EMPTY_LEDGER, Ledger, check_reason
    from sftdata.writing.manifest import read_manifest

    manifest = read_manifest(dataset)
    try:
        lines = Ledger.read(manifest).lines
    except (OSError, ValueError) as error:
        raise damaged(dataset, [f"the ledger cannot be read: {reason_of(error)}"]) from error
    reasons = {line.reason for line in lines}
    if reason is not None:
        check_reason(reason, reasons)
        lines, reasons = [line for line in lines if line.reason == reason], {reason}
    if lines and not as_json:
        click.echo("\n".join(summarize(lines, explain_reason)) + "\n")
    for line in lines:
        if as_json:
            print_json(asdict(line))
        else:
            click.echo(describe(line))
    if not lines:
        print_note(f"The ledger is empty: {EMPTY_LEDGER}.")


def summarize(lines: Sequence[LedgerLine], explain: Callable[[str], str]) -> list[str]:
    """A line for each status and reason with its number of rows and what it means."""
    counts = Counter((line.status, line.reason) for line in lines)
    order = sorted(counts, key=lambda key: (list(Status).index(key[0]), -counts[key], key[1]))
    width = max(len(reason) for _, reason in order)
    return [
        f"{counts[status, reason]:>9,} {status:8} {escape(reason):{width}}  "
        f"{explain(reason)}".rstrip()
        for status, reason in order
    ]


def describe(line: LedgerLine) -> str:
    """The line as text; a row without an id, which is named by its place, is named once."""
    row = "" if line.row_id == line.source else f" (row {escape(line.row_id)})"
    return f"{escape(line.source)}: {line.status}, {line.reason}: {escape(line.detail)}{row}"
