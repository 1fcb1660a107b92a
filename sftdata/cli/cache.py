"""sftdata cache: info and clear."""

from __future__ import annotations

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import print_json


@click.group("cache")
def command() -> None:
    """Show or clear the cache: facts of tokenizers, digests of files, copies of fetched files.

    Example: sftdata cache info
    """


@command.command("info")
@json_option()
def info(as_json: bool) -> None:
    """Show where the cache is, what is in it, and its cap.

    Example: sftdata cache info
    """
    from sftdata.base.cache_folder import cache_folder
    from sftdata.base.cache_size import VARIABLE, cache_cap, list_entries
    from sftdata.base.wording import size

    cap, entries = cache_cap(), list_entries()
    kinds = {
        kind: [entry.bytes for entry in entries if entry.kind == kind]
        for kind in sorted({entry.kind for entry in entries})
    }
    total = sum(entry.bytes for entry in entries)
    if as_json:
        shown = {
            name: {"entries": len(sizes), "bytes": sum(sizes)} for name, sizes in kinds.items()
        }
        folder = str(cache_folder())
        print_json({"folder": folder, "bytes": total, "cap_bytes": cap, "kinds": shown})
        return
    click.echo(escape(str(cache_folder())))
    for name, sizes in kinds.items():
        click.echo(f"  {escape(name):12} {len(sizes):>7,}  {size(sum(sizes)):>12}")
    noun = "entry" if len(entries) == 1 else "entries"
    click.echo(f"{len(entries):,} {noun}, {size(total)}; the cap is {size(cap)} ({VARIABLE}).")


@command.command("clear")
def clear() -> None:
    """Remove everything in the cache. Run it while no build runs.

    The next build takes longer, and its result is the same.

    Example: sftdata cache clear
    """
    from sftdata.base.cache_size import clear_cache
    from sftdata.base.wording import size

    click.echo(f"Removed {size(clear_cache())}.")
