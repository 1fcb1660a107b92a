"""sftdata serve-config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FOLDER, answer_options, json_option, row_option, turns_options
from sftdata.cli.output import print_json
from sftdata.cli.turns import check_turns_options, has_turns, read_row_of_turns, read_turns


@click.command("serve-config")
@click.argument("adapter", type=FOLDER)
@click.option(
    "--for",
    "server",
    required=True,
    metavar="SERVER",
    help="vllm, llama.cpp, ollama, tgi or transformers.",
)
@row_option(required=False)
@turns_options
@answer_options
@json_option()
def command(
    adapter: Path,
    server: str,
    row: dict[str, Any] | None,
    messages: str | None,
    tools: str | None,
    template: str | None,
    max_new_tokens: int,
    as_json: bool,
) -> None:
    """Print how a server serves ADAPTER, a trained adapter or a merged model.

    The commands that start it, and a request with the prompt that was trained on, token by token,
    and its stop tokens. Without --row or --messages its fields hold "…" alone.

    Example: sftdata serve-config adapters/fix --for vllm --row '{"text": "he go home"}'
    """
    from sftdata.serving.server_setup import describe_setup, set_up

    check_turns_options(row, messages, tools)
    question = None
    if messages is not None:
        question = read_turns(messages, tools)
    elif row is not None and has_turns(row):
        question, row = read_row_of_turns(row), None
    setup = set_up(
        adapter,
        server,
        row=row,
        question=question,
        template=template,
        max_new_tokens=max_new_tokens,
    )
    if as_json:
        print_json(setup.to_json())
    else:
        click.echo(escape(describe_setup(setup), keep_newlines=True))
