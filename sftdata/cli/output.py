"""Printing: data on stdout, messages on stderr, text from data always escaped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sftdata.base.escaping import escape

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """A rich console that reads no markup and colours no numbers."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """Prints one JSON value on one line; JSON itself escapes control characters."""
    click.echo(json.dumps(value, ensure_ascii=True))


def print_error(error: Exception) -> None:
    """Prints `Error: …` on stderr, escaped, with further lines indented."""
    lines = str(error).split("\n")
    text = "\n       ".join(escape(line) for line in lines)
    click.echo(f"Error: {text}", err=True)


def print_note(text: str) -> None:
    """Prints a message on stderr, escaped."""
    click.echo(escape(text, keep_newlines=True), err=True)
