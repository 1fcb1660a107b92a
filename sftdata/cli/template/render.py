"""sftdata template render."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, json_option, row_option, turns_options
from sftdata.cli.output import print_json
from sftdata.cli.turns import read_turns, require_row_or_turns


@click.command("render")
@click.argument("template", required=False)
@row_option(required=False)
@turns_options
@click.option("--chat", is_flag=True, help="Use the tokenizer's chat template.")
@click.option(
    "--shots",
    type=click.IntRange(0, 64),
    metavar="K",
    help="Put K solved examples before the prompt. Default: as in --dataset, else none.",
)
@click.option("--tokenizer", metavar="NAME_OR_DIR", help="Default: as in the task's spec.")
@click.option(
    "--dataset",
    type=DATASET,
    help="Use template version, tokenizer, chat and shots of this dataset.",
)
@click.option("--part", metavar="NAME", help="The row's source, if --dataset is a mixture.")
@json_option()
def command(
    template: str | None,
    row: dict[str, Any] | None,
    messages: str | None,
    tools: str | None,
    chat: bool,
    shots: int | None,
    tokenizer: str | None,
    dataset: Path | None,
    part: str | None,
    as_json: bool,
) -> None:
    """Print the exact prompt of a row, as a server must send it.

    No newline is put after it. TEMPLATE is an id or id@version. With --dataset it may be left out:
    the row then gets the template that the build would give it. A dataset of conversations takes
    --messages instead of --row. --json adds the token ids and the ids that end generation.

    Example: sftdata template render summarize/article --row '{"article": "Text."}'

    Example: sftdata template render --dataset data/summarize --row '{"article": "Text."}' --json
    """
    require_row_or_turns(row, messages, tools)
    if messages is not None and dataset is None:
        raise click.UsageError("Name the dataset that says how turns are shown: --dataset DIR.")
    if messages is not None and template is not None:
        raise click.UsageError("Leave TEMPLATE out: --messages have none.")
    if row is not None and template is None and dataset is None:
        raise click.UsageError("Give TEMPLATE, such as summarize/article, or --dataset DIR.")
    if dataset is not None and (chat or tokenizer is not None):
        raise click.UsageError(
            "--dataset records chat and tokenizer; leave --chat and --tokenizer out."
        )
    from sftdata.serving.load import load_prompt_renderer, make_prompt_renderer

    if messages is not None:
        assert dataset is not None
        question = read_turns(messages, tools)
        prompt = load_prompt_renderer(dataset, part=part).render_question(question)
    elif dataset is not None:
        assert row is not None
        renderer = load_prompt_renderer(dataset, part=part)
        prompt = renderer.render(row, template=template, shots=shots)
    else:
        assert template is not None
        assert row is not None
        renderer = make_prompt_renderer(template, tokenizer=tokenizer, chat=chat, shots=shots or 0)
        prompt = renderer.render(row)
    if as_json:
        print_json(prompt.to_json())
    elif sys.stdout.isatty():
        click.echo(escape(prompt.text, keep_newlines=True), nl=False)
    else:  # click removes colour codes, and text mode may change line ends
        sys.stdout.buffer.write(prompt.text.encode())
