"""sftdata generate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import (
    DATASET,
    FOLDER,
    answer_options,
    decoding_option,
    json_option,
    row_option,
    turns_options,
)
from sftdata.cli.output import print_json, print_note
from sftdata.cli.train_extra import needs_train_extra
from sftdata.cli.turns import has_turns, read_row_of_turns, read_turns, require_row_or_turns


@click.command("generate")
@click.option("--adapter", type=FOLDER, required=True, help="Answer with this adapter.")
@row_option(required=False)
@turns_options
@click.option("--model", metavar="DIR_OR_NAME", help="The base model, if it was moved.")
@answer_options
@click.option(
    "--dataset",
    type=DATASET,
    help="Show the prompt as this dataset does, which the adapter was trained on; with its shots.",
)
@click.option("--part", metavar="NAME", help="The row's source, if --dataset is a mixture.")
@decoding_option()
@click.option("--trust-remote-code", is_flag=True, help="Allow the model to run code of its own.")
@json_option()
@needs_train_extra
def command(
    adapter: Path,
    row: dict[str, Any] | None,
    messages: str | None,
    tools: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Answer a golden row, or write the next turn of a conversation, with a trained adapter.

    The prompt is the one it was trained on, to the token. An adapter of conversations takes
    --messages: turns, or a row that has them. --json adds the token ids.

    Example: sftdata generate --adapter adapters/fix --row '{"text": "he go home"}'
    """
    require_row_or_turns(row, messages, tools)
    if options["part"] is not None and options["dataset"] is None:
        raise click.UsageError("--part goes with --dataset.")
    if messages is not None and options["dataset"] is not None and options["template"] is not None:
        raise click.UsageError("With --dataset, --part chooses the source of --messages.")
    from sftdata_train.generating.answering import answer

    asked = row if messages is None else read_turns(messages, tools)
    if isinstance(asked, dict) and has_turns(asked):
        asked = read_row_of_turns(asked)
    assert asked is not None
    found = answer(adapter, asked, report=print_note, **options)
    if as_json:
        print_json(found.to_json())
        return
    if found.decoding.settings or found.decoding.unused:
        print_note(f"decoding: {found.decoding.describe()}")
    click.echo(escape(found.text, keep_newlines=True))
