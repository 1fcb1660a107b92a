"""sftdata generate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FOLDER, decoding_option, json_option, row_option
from sftdata.cli.output import print_json, print_note
from sftdata.cli.train_extra import needs_train_extra


@click.command("generate")
@click.option("--adapter", type=FOLDER, required=True, help="Answer with this adapter.")
@row_option()
@click.option("--model", metavar="DIR_OR_NAME", help="The base model, if it was moved.")
@click.option(
    "--template", metavar="LABEL", help="Use this template, if it was trained on several."
)
@click.option(
    "--max-new-tokens",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    metavar="N",
    help="Cut the answer after N tokens.",
)
@decoding_option()
@click.option("--trust-remote-code", is_flag=True, help="Allow the model to run code of its own.")
@json_option()
@needs_train_extra
def command(adapter: Path, row: dict[str, Any], as_json: bool, **options: Any) -> None:
    """Answer one golden row with a trained adapter and the template it was trained on.

    Example: sftdata generate --adapter adapters/fix --row '{"text": "he go home"}'
    """
    from sftdata_train.answering import answer

    found = answer(adapter, row, **options)
    if as_json:
        print_json({"answer": found.text, "decoding": found.decoding.to_json()})
        return
    if found.decoding.settings or found.decoding.unused:
        print_note(f"decoding: {found.decoding.describe()}")
    click.echo(escape(found.text, keep_newlines=True))
