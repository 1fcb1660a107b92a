"""sftdata template release."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import print_json

if TYPE_CHECKING:
    from sftdata.versioning.release import ReleaseOutcome
    from sftdata.versioning.versions import Level


@click.command("release")
@click.argument("template")
@click.option("--minor", "level", flag_value="minor", help="Make the bump at least MINOR.")
@click.option("--major", "level", flag_value="major", help="Make the bump MAJOR.")
@json_option()
def command(template: str, level: Level | None, as_json: bool) -> None:
    """Freeze the working copy of TEMPLATE as its next version. The bump is computed and explained.

    Example: sftdata template release summarize/article
    """
    from sftdata.versioning.release import release

    outcome = release(template, level)
    if as_json:
        print_json(
            {
                "template": outcome.release.id,
                "version": outcome.release.version,
                "released": outcome.is_new,
                "bump": outcome.release.bump if outcome.is_new else None,
                "path": str(outcome.path),
                "changes": [asdict(change) for change in outcome.changes],
                "release": asdict(outcome.release),
            }
        )
    else:
        click.echo(escape(_describe(outcome), keep_newlines=True))


def _describe(outcome: ReleaseOutcome) -> str:
    release = outcome.release
    if not outcome.is_new:
        return f"Nothing to release: the working copy is {release.label}."
    step = f" ({release.bump.upper()} after {release.previous})" if release.previous else ""
    lines = [f"Released {release.label}{step} in {os.path.relpath(outcome.path)}"]
    lines += [f"  {c.level.upper():5} {c.rule} ({c.where}): {c.detail}" for c in outcome.changes]
    if outcome.changes and release.bump not in {change.level for change in outcome.changes}:
        lines.append(f"  {release.bump.upper():5} as requested")
    return "\n".join(lines)
