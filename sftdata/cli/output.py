"""Printing: data on stdout, messages on stderr, text from data always escaped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sftdata.base.escaping import escape

if TYPE_CHECKING:
    from rich.console import Console

Command = TypeVar("Command", bound=Callable[..., Any])

DATASET = click.Path(exists=False, file_okay=False, path_type=Path)


def json_option() -> Callable[[Command], Command]:
    """The `--json` option of every reading command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


def console(*, stderr: bool = False) -> Console:
    """A rich console that treats no text as markup and no number as worth a colour."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """One JSON value on stdout, on one line. Control characters are escaped by JSON itself."""
    click.echo(json.dumps(value, ensure_ascii=True))


def print_error(error: Exception) -> None:
    """`Error: …` on stderr, further lines indented, whatever they quote escaped."""
    lines = str(error).split("\n")
    text = "\n       ".join(escape(line) for line in lines)
    click.echo(f"Error: {text}", err=True)


def print_note(text: str) -> None:
    """A message on stderr."""
    click.echo(escape(text, keep_newlines=True), err=True)
