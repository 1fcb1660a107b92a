"""sftdata audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, FOLDER, json_option
from sftdata.cli.output import print_json
from sftdata.cli.train_extra import needs_train_extra
from sftdata.errors import VerificationError

if TYPE_CHECKING:
    from sftdata_train.passport import Passport


@click.command("audit")
@click.argument("adapter", type=FOLDER)
@click.option("--data", type=DATASET, help="Compare this dataset, too.")
@json_option()
@needs_train_extra
def command(adapter: Path, data: Path | None, as_json: bool) -> None:
    """Show how ADAPTER was trained, and check that its weights, model and data are the same.

    Exit 3 if a file differs from the record of the training.

    Example: sftdata audit adapters/summarize --data data/summarize
    """
    from sftdata_train.passport import find_contradictions, read_passport

    passport = read_passport(adapter)
    found = find_contradictions(passport, data)
    if as_json:
        print_json({"proved": not found, "contradictions": found} | dict(passport.content))
    else:
        click.echo(_text(passport, data, found))
    if found:
        raise VerificationError(
            f"{adapter} does not agree with the record of its training:\n" + "\n".join(found[:20]),
            "Put the original files back, or train again.",
        )


def _text(passport: Passport, data: Path | None, found: list[str]) -> str:
    trained, outcome = passport["data"], passport.content.get("outcome", {})
    chat = passport.content.get("chat")
    lines = [
        f"dataset     {trained['task']}, build {trained['build']}, split {trained['split']}: "
        f"{trained['rows']:,} rows, {trained['target_tokens']:,} target tokens"
        + (", a draft" if trained["draft"] else ""),
        f"manifest    sha256 {trained['manifest_sha256']}",
        *(
            f"template    {label}, sha256 {template['sha256']}"
            for label, template in passport["templates"].items()
        ),
        f"tokenizer   {passport['tokenizer']['name']}, sha256 {passport['tokenizer']['sha256']}",
        f"prompts     {'chat' if chat else 'plain'}, stop at {passport['stop_ids']}",
        f"base model  {passport['base_model']['name']}",
        f"steps       {outcome.get('steps')}, held-out loss "
        f"{outcome.get('held_out_loss_before')} before, {outcome.get('held_out_loss')} after",
        "libraries   " + ", ".join(f"{k} {v}" for k, v in passport["libraries"].items()),
    ]
    checked = "weights and base model" + (", dataset" if data is not None else "")
    if not found:
        lines.append(f"checked     {checked}: same as in the training")
    return escape("\n".join(lines), keep_newlines=True)
