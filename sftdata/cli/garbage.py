"""sftdata gc."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import STORED_DATASET, json_option
from sftdata.cli.output import print_json, print_note

# Path, bytes, and why it can be removed.
_Removable = tuple[str, int, str]


@click.command("gc")
@click.argument("dataset", type=STORED_DATASET)
@click.option("--dry-run", is_flag=True, help="Only list the files.")
@json_option()
def command(dataset: Path | str, dry_run: bool, as_json: bool) -> None:
    """Remove the files in DATASET that its manifest does not refer to.

    They are left by killed builds, by pack plans of earlier builds and by parts that a mixture no
    longer has; in an object store by every earlier build. DATASET may also be the folder that a
    killed export or merge was to make. Files of the dataset, and files that sftdata did not write,
    stay; in an object store also those of the last 24 hours, which a build may be about to commit.

    Example: sftdata gc data/summarize --dry-run
    """
    from sftdata.base.wording import count, size

    found = (
        _collect(dataset, dry_run)
        if isinstance(dataset, Path)
        else _collect_stored(dataset, dry_run)
    )
    if as_json:
        files = [
            {"path": path, "bytes": bytes_, "reason": reason} for path, bytes_, reason in found
        ]
        print_json({"removed": not dry_run, "files": files})
        return
    for path, bytes_, reason in found:
        click.echo(f"{escape(path)}  {size(bytes_)}  {reason}")
    total = f"{count(len(found), 'file')}, {size(sum(bytes_ for _, bytes_, _ in found))}"
    if not found:
        click.echo(f"{escape(str(dataset))}: nothing to remove.")
    else:
        click.echo(f"{'Would remove' if dry_run else 'Removed'} {total}.")


def _collect(dataset: Path, dry_run: bool) -> list[_Removable]:
    from sftdata.loading.garbage import find_garbage, remove_garbage
    from sftdata.writing.directory import lock
    from sftdata.writing.ownership import is_ours

    find_garbage(dataset)  # raises for another folder, before the lock is made in it
    with lock(dataset, print_note) if is_ours(dataset) else nullcontext():
        found = find_garbage(dataset)
        if not dry_run:
            remove_garbage(dataset, found)
    return [(str(garbage.path), garbage.bytes, garbage.reason) for garbage in found]


def _collect_stored(address: str, dry_run: bool) -> list[_Removable]:
    from sftdata.base.stores import StoredFolder
    from sftdata.loading.stored_garbage import find_stored_garbage

    folder = StoredFolder(address)
    found = find_stored_garbage(folder)
    if not dry_run:
        for name in found:
            folder.remove(name)
    return [(f"{folder}/{name}", size, "another build") for name, size in found.items()]
