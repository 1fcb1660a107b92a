"""Printing: data on stdout, messages on stderr, text from data always escaped."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from sftdata.base.escaping import escape

if TYPE_CHECKING:
    from rich.console import Console

    from sftdata.errors import SftdataError


def console(*, stderr: bool = False) -> Console:
    """A rich console that reads no markup and colours no numbers."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """Prints one JSON value on one line; JSON itself escapes control characters.

    NumPy's numbers are printed as numbers. A number that is not finite, which JSON does not have,
    is printed as null.
    """
    try:
        text = json.dumps(value, allow_nan=False, default=_to_plain)
    except ValueError:
        text = json.dumps(_without_infinities(value), allow_nan=False)
    click.echo(text)


def _to_plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # a NumPy number or array, without importing NumPy
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be printed as JSON")


def _without_infinities(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_infinities(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinities(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else _without_infinities(_to_plain(value))


def print_error(error: SftdataError, *, as_json: bool = False) -> None:
    """Prints `Error E204: …` on stderr, escaped, with further lines indented; or a JSON object."""
    lines = str(error).split("\n")
    if as_json:
        shown = {"code": error.code, "exit_code": error.exit_code, "message": str(error)}
        click.echo(json.dumps({"error": shown}), err=True)
        return
    text = "\n       ".join(escape(line) for line in lines)
    click.echo(f"Error {error.code}: {text}", err=True)


def print_note(text: str) -> None:
    """Prints a message on stderr, escaped."""
    click.echo(escape(text, keep_newlines=True), err=True)
