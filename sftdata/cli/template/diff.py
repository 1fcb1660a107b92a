"""sftdata template diff."""

from __future__ import annotations

from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.output import print_json


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option("--data", multiple=True, metavar="PATH", help="Compare on these rows. Repeatable.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=PATH", help="Read FIELD from PATH.")
@click.option("--tokenizer", metavar="NAME_OR_DIR", help="Compare the tokens of this one.")
@click.option("--max-length", type=click.IntRange(min=2), help="Tokens an example must fit into.")
@click.option("--samples", type=click.IntRange(min=0), default=3, show_default=True)
@click.option("--rows", type=click.IntRange(min=1), help="Compare only N rows.", metavar="N")
@click.option(
    "--format", "form", type=click.Choice(["text", "github", "json"]), default="text",
    show_default=True, help="github writes Markdown for a pull request.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(old: str, new: str | None, form: str, as_json: bool, **options: Any) -> None:
    """Compare two versions of a template: source, contract, text of sample rows, tokens.

    OLD and NEW are ids with or without a version; without NEW, the working copy of OLD. Without
    --data, --tokenizer and --max-length those of the task's spec count.

    Example: sftdata template diff summarize/article@1.0.0 summarize/article@1.1.0 --format github
    """
    from sftdata.cli.build import _split_map
    from sftdata.inspecting.compare.templates.text import to_markdown, to_text
    from sftdata.inspecting.compare.templates.versions import diff_versions

    maps = dict(_split_map(item) for item in options.pop("maps"))
    diff = diff_versions(old, new, fields=maps, **options)
    if as_json or form == "json":
        print_json(diff.to_json())
    elif form == "github":
        click.echo(to_markdown(diff))
    else:
        click.echo(escape(to_text(diff), keep_newlines=True))
