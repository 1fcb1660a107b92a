"""sftdata status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, json_option
from sftdata.cli.output import print_json


@click.command("status")
@click.argument("datasets", nargs=-1, type=DATASET, metavar="[DATASET]...")
@click.option("--check", is_flag=True, help="Exit 1 unless all are up to date, for CI.")
@json_option()
def command(datasets: tuple[Path, ...], check: bool, as_json: bool) -> None:
    """List datasets that are up to date or stale, and what has changed: rows, template, options.

    Without DATASET: a dataset for each spec in the project's pipelines/, and the others in data/.
    A dataset without a spec there is compared with the spec that it recorded. Reads the rows'
    digests and writes nothing.

    Example: sftdata status
    """
    from sftdata.building.status import Status, find_status, find_statuses

    found: list[Status] = [*(map(find_status, datasets) if datasets else find_statuses())]
    if as_json:
        print_json([_to_json(status) for status in found])
    else:
        for status in found:
            click.echo(f"{status.state:10}  {escape(str(status.directory))}")
            for reason in status.reasons:
                click.echo(f"{'':10}  {escape(' '.join(reason.split()))}")
        if not found:
            click.echo("No datasets: pipelines/ has no spec of this project, data/ no dataset.")
        elif stale := sum(s.has_spec and s.state in ("stale", "not built") for s in found):
            click.echo(f"\nTo build the {stale} stale or not built: sftdata build --all")
    if check and any(status.state != "up to date" for status in found):
        sys.exit(1)


def _to_json(status: Any) -> dict[str, Any]:
    return {
        "task": status.task,
        "dataset": str(status.directory),
        "state": status.state,
        "reasons": list(status.reasons),
        "spec": status.has_spec,
    }
