"""sftdata gc."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, json_option
from sftdata.cli.output import print_json, print_note


@click.command("gc")
@click.argument("dataset", type=DATASET)
@click.option("--dry-run", is_flag=True, help="Only list the files.")
@json_option()
def command(dataset: Path, dry_run: bool, as_json: bool) -> None:
    """Remove the files in DATASET that its manifest does not refer to.

    They are left by killed builds, by pack plans of earlier builds and by parts that a mixture no
    longer has. DATASET may also be the folder that a killed export or merge was to make. Files of
    the dataset, and files that sftdata did not write, stay.

    Example: sftdata gc data/summarize --dry-run
    """
    from sftdata.base.wording import count, size
    from sftdata.loading.garbage import find_garbage, remove_garbage
    from sftdata.writing.directory import lock
    from sftdata.writing.ownership import is_ours

    find_garbage(dataset)  # raises for another folder, before the lock is made in it
    with lock(dataset, print_note) if is_ours(dataset) else nullcontext():
        found = find_garbage(dataset)
        if not dry_run:
            remove_garbage(dataset, found)
    if as_json:
        files = [{"path": str(g.path), "bytes": g.bytes, "reason": g.reason} for g in found]
        print_json({"removed": not dry_run, "files": files})
        return
    for garbage in found:
        click.echo(f"{escape(str(garbage.path))}  {size(garbage.bytes)}  {garbage.reason}")
    total = f"{count(len(found), 'file')}, {size(sum(garbage.bytes for garbage in found))}"
    if not found:
        click.echo(f"{escape(str(dataset))}: nothing to remove.")
    else:
        click.echo(f"{'Would remove' if dry_run else 'Removed'} {total}.")
