"""sftdata audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, FOLDER, json_option
from sftdata.cli.output import print_json
from sftdata.cli.train_extra import needs_train_extra
from sftdata.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sftdata.serving.passport import Passport
    from sftdata_train.audit import Audit


@click.command("audit")
@click.argument("adapter", type=FOLDER)
@click.option("--data", type=DATASET, help="Check that this dataset is the one it was trained on.")
@click.option("--model", metavar="DIR_OR_NAME", help="The base model, if it was moved.")
@json_option()
@needs_train_extra
def command(adapter: Path, data: Path | None, model: str | None, as_json: bool) -> None:
    """Show how ADAPTER was trained, and check that its weights, model and data are the same.

    Exit 3 if a file differs from the record of the training, or the base model is not found.

    Example: sftdata audit adapters/summarize --data data/summarize
    """
    from sftdata.serving.passport import read_passport
    from sftdata_train.audit import audit_adapter

    passport = read_passport(adapter)
    found = audit_adapter(passport, data, model)
    differing, not_checked = found.contradictions, found.not_checked
    if as_json:
        results = {"contradictions": differing, "not_checked": not_checked}
        proved = not (differing or not_checked)
        print_json({"proved": proved} | results | dict(passport.content))
    else:
        click.echo(_text(passport, data, found))
    if differing:
        raise VerificationError(
            f"{adapter} does not agree with the record of its training:\n"
            + "\n".join((differing + [f"not checked: {line}" for line in not_checked])[:20]),
            "Put the original files back, or train again.",
        )
    if not_checked:
        raise VerificationError(
            f"{adapter} could not be checked as a whole:\n" + "\n".join(not_checked[:20]),
            f"Say where the base model is: sftdata audit {adapter} --model DIR_OR_NAME",
        )


def _text(passport: Passport, data: Path | None, found: Audit) -> str:
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
        f"steps       {outcome.get('steps')}{_describe_loss(outcome)}",
        "libraries   " + ", ".join(f"{k} {v}" for k, v in passport["libraries"].items()),
    ]
    checked = ["weights"]
    if not found.not_checked:
        checked.append("base model")
    if data is not None:
        checked.append("dataset")
    if not found.contradictions:
        lines.append(f"checked     {', '.join(checked)}: same as in the training")
    lines += [f"not checked {line}" for line in found.not_checked]
    if data is None:
        lines.append("not checked dataset: give it with --data")
    return escape("\n".join(lines), keep_newlines=True)


def _describe_loss(outcome: Mapping[str, Any]) -> str:
    before, after = outcome.get("held_out_loss_before"), outcome.get("held_out_loss")
    if before is None or after is None:
        return ", no held-out loss"
    return f", held-out loss {before:.4f} before, {after:.4f} after"
