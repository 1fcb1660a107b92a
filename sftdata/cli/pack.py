"""sftdata pack."""

from __future__ import annotations

import time
from pathlib import Path

import click

from sftdata.base.cache_folder import DATASETS, cache_folder
from sftdata.base.escaping import escape
from sftdata.base.wording import count
from sftdata.cli.layout import print_lines
from sftdata.cli.options import DATASET, json_option
from sftdata.cli.output import print_json, print_note


@click.command("pack")
@click.argument("dataset", type=DATASET)
@click.option(
    "--max-length",
    type=click.IntRange(min=2),
    required=True,
    metavar="N",
    help="Fit each pack into N tokens.",
)
@click.option("--split", help="Pack this split. Default: every split with rows.")
@json_option()
def command(dataset: Path, max_length: int, split: str | None, as_json: bool) -> None:
    """Plan which rows of DATASET share a sequence: writes packs/N-SPLIT.arrow and copies no tokens.

    Example: sftdata pack data/summarize --max-length 4096
    """
    from sftdata.loading.dataset import load
    from sftdata.loading.packing import plan_packs, write_plan

    data = load(dataset)
    names = [split] if split is not None else [name for name in data if len(data[name])]
    for name in names:
        lengths = data[name].lengths
        started = time.monotonic()
        plan = plan_packs(lengths, max_length)
        print_note(f"{name}: planned in {time.monotonic() - started:.2f} s")
        path = write_plan(data.manifest, name, plan)
        facts = {
            "split": name,
            "max_length": max_length,
            "rows": len(lengths),
            "tokens": int(lengths.sum()),
            "packs": len(plan),
            "lower_bound": plan.lower_bound,
            "efficiency": round(plan.efficiency, 6),
            "fill": round(plan.fill, 6),
            "path": str(path),
        }
        if as_json:
            print_json(facts)
        else:
            line = (
                f"{name}: {count(len(lengths), 'row')} in {count(len(plan), 'pack')} of "
                f"{max_length:,} tokens, {plan.fill:.2%} full; at least "
                f"{count(plan.lower_bound, 'pack')} needed "
                f"(efficiency {plan.efficiency:.2%})"
            )
            print_lines([line, f"  {escape(str(path))}"])
    if dataset.is_relative_to(cache_folder() / DATASETS):
        print_note("The plan is in this machine's copy of the dataset, not in the object store.")
