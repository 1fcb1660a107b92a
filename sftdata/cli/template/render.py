"""sftdata template render."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import DATASET, json_option, print_json


@click.command("render")
@click.argument("template")
@click.option("--row", required=True, metavar="JSON", help="The row's fields, as a JSON object.")
@click.option("--chat", is_flag=True, help="In the tokenizer's chat template.")
@click.option(
    "--shots",
    type=click.IntRange(0, 64),
    metavar="K",
    help="After K solved examples. Default: none, or as the dataset has them.",
)
@click.option("--tokenizer", metavar="NAME_OR_DIR", help="Default: that of the task's spec.")
@click.option(
    "--dataset",
    type=DATASET,
    help="As this dataset was built: its template version, tokenizer, chat and pool of shots.",
)
@click.option("--part", metavar="NAME", help="The source of the mixture in --dataset.")
@json_option()
def command(
    template: str,
    row: str,
    chat: bool,
    shots: int | None,
    tokenizer: str | None,
    dataset: Path | None,
    part: str | None,
    as_json: bool,
) -> None:
    """Print the prompt that serving must send for a row: exactly, with no newline added.

    TEMPLATE is an id or id@version. With --json also its ids, and those that end generation.

    Example: sftdata template render summarize/article --row '{"article": "Text."}'
    """
    if dataset is not None and (chat or tokenizer is not None):
        raise click.UsageError(
            "--dataset records chat and tokenizer; leave --chat and --tokenizer out."
        )
    from sftdata.serving.prompt import load_prompt_renderer, make_prompt_renderer

    golden_row = _parse(row)
    if dataset is not None:
        renderer = load_prompt_renderer(dataset, part=part)
        prompt = renderer.render(golden_row, template=template, shots=shots)
    else:
        renderer = make_prompt_renderer(template, tokenizer=tokenizer, chat=chat, shots=shots or 0)
        prompt = renderer.render(golden_row)
    if as_json:
        print_json(prompt.to_json())
    elif sys.stdout.isatty():
        click.echo(escape(prompt.text, keep_newlines=True), nl=False)
    else:  # click would take colour codes out, and the system change line ends
        sys.stdout.buffer.write(prompt.text.encode())


def _parse(row: str) -> dict[str, Any]:
    try:
        value = json.loads(row)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--row") from error
    if not isinstance(value, dict):
        raise click.BadParameter("a JSON object is expected.", param_hint="--row")
    return value
