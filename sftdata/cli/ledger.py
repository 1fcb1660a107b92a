"""sftdata ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Status
from sftdata.base.wording import count
from sftdata.cli.layout import print_lines
from sftdata.cli.options import ROWS_OF_DATASET, json_option
from sftdata.cli.output import print_json, print_note

_ALIKE = 3  # rows


@click.command("ledger")
@click.argument("dataset", type=ROWS_OF_DATASET)
@click.option("--reason", help="List only rows with this reason.")
@json_option()
def command(dataset: Path, reason: str | None, as_json: bool) -> None:
    """List the source rows of DATASET that were dropped, cut or flagged, and why.

    The summary counts and explains each reason. Rows with the same detail follow it. With --json:
    one object a line for each row, no summary.

    Example: sftdata ledger data/summarize --reason empty_field
    """
    from sftdata.spec.check_rules import explain_reason
    from sftdata.writing.ledger import EMPTY_LEDGER, Ledger, check_reason
    from sftdata.writing.manifest import read_manifest

    manifest = read_manifest(dataset)
    lines = Ledger.read(manifest).lines
    reasons = {line.reason for line in lines}
    if reason is not None:
        check_reason(reason, reasons)
        lines, reasons = [line for line in lines if line.reason == reason], {reason}
    if as_json:
        for line in lines:
            print_json(asdict(line))
    elif lines:
        print_lines([*summarize(lines, explain_reason), "", *list_rows(lines)])
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


def list_rows(lines: Sequence[LedgerLine]) -> Iterator[str]:
    """The lines as text; `_ALIKE` rows or more with the same detail stand below it, once."""
    alike: dict[tuple[str, str, str], list[LedgerLine]] = {}
    for line in lines:
        alike.setdefault((line.status, line.reason, line.detail), []).append(line)
    for line in lines:
        same = alike[line.status, line.reason, line.detail]
        if len(same) < _ALIKE:
            yield describe(line)
        elif line is same[0]:
            what = f"{line.status}, {line.reason}: {escape(line.detail)}"
            yield f"{what}: {count(len(same), 'row')}"
            yield from (f"  {escape(one.source)}{_name(one)}" for one in same)


def describe(line: LedgerLine) -> str:
    """The line as text; a row without an id, which is named by its place, is named once."""
    what = f"{line.status}, {line.reason}: {escape(line.detail)}"
    return f"{escape(line.source)}{_name(line)}: {what}"


def _name(line: LedgerLine) -> str:
    return "" if line.row_id == line.source else f" (row {escape(line.row_id)})"
