"""sftdata template render."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from sftdata.cli.output import json_option, print_json
from sftdata.escaping import escape


@click.command("render")
@click.argument("template")
@click.option("--row", required=True, metavar="JSON", help="The row's fields, as a JSON object.")
@json_option()
def command(template: str, row: str, as_json: bool) -> None:
    """Print the prompt of TEMPLATE, an id or id@version, for a row: exactly, no newline added.

    Example: sftdata template render summarize/article --row '{"article": "Text."}'
    """
    from sftdata.serving import render_prompt_text
    from sftdata.template import load_template

    rendered = render_prompt_text(load_template(template), _parse(row))
    if as_json:
        print_json(rendered)
    elif sys.stdout.isatty():
        click.echo(escape(rendered["text"], keep_newlines=True), nl=False)
    else:  # click would take colour codes out, and the system change line ends
        sys.stdout.buffer.write(rendered["text"].encode())


def _parse(row: str) -> dict[str, Any]:
    try:
        value = json.loads(row)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--row") from error
    if not isinstance(value, dict):
        raise click.BadParameter("a JSON object is expected.", param_hint="--row")
    return value
