"""The summary of a build on stdout, and the commands to type next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from sftdata.base.escaping import escape
from sftdata.base.reasons import Reason
from sftdata.base.wording import count

if TYPE_CHECKING:
    from sftdata.building.build import Outcome
    from sftdata.writing.manifest import Manifest


def print_summary(outcome: Outcome, seconds: float) -> None:
    """Prints the numbers of the dataset, its templates, tokenizer and splits."""
    from sftdata.writing.manifest import split_origin  # loads Arrow

    manifest = outcome.manifest
    stats = manifest["stats"]
    if outcome.up_to_date:
        what = "Up to date: nothing was rebuilt."
    elif outcome.reused_rows:
        what = f"Built; {outcome.reused_rows:,} of {manifest['rows_in']:,} rows were reused."
    else:
        what = "Built."
    dropped = ", ".join(f"{n:,} {reason}" for reason, n in manifest["dropped"].items()) or "none"
    origin = split_origin(manifest["sources"])
    templates = [*manifest["template"]]
    if manifest.holds_conversations:
        file = manifest["options"].get("chat_template")
        templates.append(f"the chat template {file}" if file else "the tokenizer's chat template")
    click.echo(
        f"{what}\n"
        f"  rows      {manifest['rows_in']:,} in, {manifest['rows_out']:,} out, "
        f"{manifest['cut']:,} cut; dropped: {dropped}{_more(manifest)}\n"
        f"  tokens    {stats['tokens']:,}, of these {stats['target_tokens']:,} in the loss "
        f"({stats['target_share']:.1%})\n"
        f"  time      {seconds:.2f} s, {manifest['rows_in'] / seconds:,.0f} rows a second\n"
        f"  template  {escape(', '.join(templates))}\n"
        f"  tokenizer {escape(manifest['tokenizer']['name'])}\n"
        f"  splits    {_describe_splits(stats['splits'], origin)}\n"
        f"  split by  {escape(origin)}\n"
        f"{_describe_shares(manifest)}"
        f"{_describe_untaught(manifest)}"
        f"  dataset   {escape(outcome.place)}"
    )


def print_next_commands(outcome: Outcome) -> None:
    """Commands to type next: look at rows, and at what was lost where something was."""
    where, manifest = escape(shlex.quote(outcome.place)), outcome.manifest
    lost = manifest["dropped"] or manifest["cut"] or manifest["flagged"]
    looks = [f"sftdata inspect {where} --random 3"] if manifest["rows_out"] else []
    commands = [*looks, *([f"sftdata ledger {where}"] if lost else [])]
    for label, command in zip(("next", ""), commands, strict=False):
        click.echo(f"  {label:9} {command}")


def _describe_splits(splits: dict[str, Any], origin: str) -> str:
    shown = ", ".join(f"{escape(name)} {split['rows']:,}" for name, split in splits.items())
    if "shares" not in origin or all(split["rows"] for split in splits.values()):
        return shown
    return f"{shown} (so few rows can leave a split empty)"


def _describe_shares(manifest: Manifest) -> str:
    """A line with the share of each source of a mixture in training; "" for other datasets."""
    shares = [
        f"{escape(name)} {source['share']:.1%} (planned {source['planned_share']:.1%})"
        for name, source in manifest["stats"].get("by_source", {}).items()
        if source.get("planned_share") is not None
    ]
    if not shares or manifest["spec"] is None:
        return ""
    unit = manifest["spec"]["by"].replace("_", " ")
    return f"  shares    of the {unit} in training: {', '.join(shares)}\n"


def _describe_untaught(manifest: Manifest) -> str:
    """A line about conversations with answers that are not taught, and the way to teach them."""
    rows = manifest["flagged"].get(Reason.NOT_TAUGHT, 0)
    if not rows or manifest.content.get("options", {}).get("unroll"):
        return ""
    return (
        f"  untaught  answers of {count(rows, 'conversation')}; `unroll = true` in the spec may "
        "teach them\n"
    )


def _more(manifest: Manifest) -> str:
    flagged = ", ".join(f"{n:,} {reason}" for reason, n in manifest["flagged"].items())
    repeated = f"; {manifest['repeated']:,} repeated" if manifest["repeated"] else ""
    return (f"; flagged: {flagged}" if flagged else "") + repeated
