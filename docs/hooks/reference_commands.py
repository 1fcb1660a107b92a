"""The commands as Markdown: what each does, its options, examples.

Made here and not by mkdocs-click, whose tables have no names of values and print
`Sentinel.UNSET` as the default with click 8.3 and later.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from markdown_text import code, escape, table

from sftdata.cli import cli

_EXAMPLE = "Example:"


def list_commands() -> str:
    """A table of all commands, with links to their sections."""
    commands = [context for context in _walk(_context(cli)) if context.parent]
    rows = [
        [f"[`{c.command_path}`](#{_anchor(c)})", escape(_paragraphs(c.command)[0])]
        for c in commands
    ]
    return table(["Command", "What it does"], rows)


def describe_commands() -> str:
    """A section for each command."""
    return "\n\n".join(_describe(context) for context in _walk(_context(cli)))


def _context(command: click.Command, parent: click.Context | None = None) -> click.Context:
    name = "sftdata" if parent is None else command.name
    return click.Context(command, parent, info_name=name, **command.context_settings)


def _walk(context: click.Context) -> Iterator[click.Context]:
    yield context
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _walk(_context(inner, context))


def _anchor(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(part.split()) for part in inspect.cleandoc(command.help or "").split("\n\n")]


def _describe(context: click.Context) -> str:
    paragraphs = _paragraphs(context.command)
    examples = [p.removeprefix(_EXAMPLE).strip() for p in paragraphs if p.startswith(_EXAMPLE)]
    label = context.command_path.removeprefix("sftdata ")
    usage = context.command.collect_usage_pieces(context)
    parts = [
        f'## {context.command_path} {{ #{_anchor(context)} data-toc-label="{label}" }}',
        "\n".join(["```text", " ".join([context.command_path, *usage]), "```"]),
        *(escape(p) for p in paragraphs if not p.startswith(_EXAMPLE)),
        table(["Option", "Meaning"], list(_options(context))),
    ]
    if examples:
        parts.append("\n".join(["```console", *(f"$ {line}" for line in examples), "```"]))
    return "\n\n".join(parts)


def _options(context: click.Context) -> Iterator[list[str]]:
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:  # else hidden
            names, meaning = record
            # Blanks let a line break between the choices on a phone.
            yield [code(names.replace("|", " | ")), escape(meaning)]
