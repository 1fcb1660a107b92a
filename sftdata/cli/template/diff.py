"""sftdata template diff."""

from __future__ import annotations

from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.layout import print_lines
from sftdata.cli.options import map_option
from sftdata.cli.output import print_json


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--data", multiple=True, metavar="PATH", help="Compare the rendering of these rows. Repeatable."
)
@map_option()
@click.option("--tokenizer", metavar="NAME_OR_DIR", help="Compare the tokens of this tokenizer.")
@click.option(
    "--max-length", type=click.IntRange(min=2), metavar="N", help="Fit examples into N tokens."
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    metavar="N",
    help="Show the texts of N rows.",
)
@click.option("--rows", type=click.IntRange(min=1), help="Compare only N rows.", metavar="N")
@click.option(
    "--format", "form", type=click.Choice(["text", "github", "json"]), default="text",
    show_default=True, help="github: Markdown for a pull request.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
def command(
    old: str,
    new: str | None,
    form: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare two versions of a template.

    Shows the rules, the source, and the text and tokens of sample rows. OLD and NEW are ids with or
    without a version. NEW defaults to the working copy of OLD; --data, --tokenizer and --max-length
    default to those of the task's spec.

    Example: sftdata template diff summarize/article@1.0.0 summarize/article@1.1.0 --format github
    """
    from sftdata.inspecting.compare.templates.text import to_markdown, to_text
    from sftdata.inspecting.compare.templates.versions import diff_versions

    diff = diff_versions(old, new, **options)
    if as_json or form == "json":
        print_json(diff.to_json())
    elif form == "github":
        click.echo(to_markdown(diff))
    else:
        print_lines(escape(to_text(diff), keep_newlines=True).split("\n"))
