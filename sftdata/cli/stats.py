"""sftdata stats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftdata.cli.output import DATA_SET, json_option, print_json


@click.command("stats")
@click.argument("dataset", type=DATA_SET)
@json_option()
def command(dataset: Path, as_json: bool) -> None:
    """Token lengths, target share and drops of the data set in DATASET.

    Example: sftdata stats data/summarize
    """
    from sftdata.manifest import read_manifest

    manifest = read_manifest(dataset)
    keys = ("rows_in", "rows_out", "dropped", "cut", "certificate", "stats")
    numbers = {key: manifest[key] for key in keys}
    if as_json:
        print_json(numbers)
    else:
        click.echo(_tables(numbers))


def _tables(numbers: dict[str, Any]) -> str:
    stats = numbers["stats"]
    lines = [f"{'split':12} {'rows':>10} {'tokens':>14} {'target tokens':>14} {'share':>7}"]
    total = {"rows": numbers["rows_out"]} | {k: stats[k] for k in ("tokens", "target_tokens")}
    for name, split in {**stats["splits"], "all": total}.items():
        share = split["target_tokens"] / split["tokens"] if split["tokens"] else 0.0
        lines.append(
            f"{name:12} {split['rows']:>10,} {split['tokens']:>14,} "
            f"{split['target_tokens']:>14,} {share:>7.1%}"
        )
    lines += ["", f"{'tokens':12} {'p50':>10} {'p95':>10} {'p99':>10} {'max':>10}"]
    for label, key in (("prompt", "prompt_length"), ("target", "target_length"), ("all", "length")):
        found = stats[key]
        lines.append(
            f"{label:12} " + " ".join(f"{found[q]:>10,}" for q in ("p50", "p95", "p99", "max"))
        )
    lines += ["", f"{numbers['rows_in']:,} rows in, {numbers['cut']:,} cut"]
    lines += [f"{n:,} dropped: {reason}" for reason, n in numbers["dropped"].items()]
    certificate = numbers["certificate"]
    lines.append(
        f"whole text encoded at once gives the same ids for {certificate['whole_text_equal']:,} "
        f"of {certificate['rows']:,} rows"
    )
    return "\n".join(lines)
