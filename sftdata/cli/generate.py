"""sftdata generate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import json_option, print_json
from sftdata.cli.train_extra import needs_train_extra


@click.command("generate")
@click.option(
    "--adapter",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Answer with this adapter.",
)
@click.option("--row", required=True, metavar="JSON", help="A golden row, as one JSON object.")
@click.option("--model", metavar="DIR_OR_NAME", help="The base model, if it was moved.")
@click.option("--template", metavar="LABEL", help="Use this template of those trained on.")
@click.option(
    "--max-new-tokens",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Cut the answer at so many tokens.",
)
@click.option("--trust-remote-code", is_flag=True, help="Run code that comes with the model.")
@json_option()
@needs_train_extra
def command(adapter: Path, row: str, as_json: bool, **options: Any) -> None:
    """Answer one golden row with a trained adapter, through the template it was trained on.

    Example: sftdata generate --adapter adapters/fix --row '{"text": "he go home"}'
    """
    try:
        fields = json.loads(row)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--row") from error
    if not isinstance(fields, dict):
        raise click.BadParameter("a JSON object is expected.", param_hint="--row")
    from sftdata_train.answering import answer

    text = answer(adapter, fields, **options)
    if as_json:
        print_json({"answer": text})
    else:
        click.echo(escape(text, keep_newlines=True))
