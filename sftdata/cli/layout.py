"""Tables and lines that fit into the terminal. In a file or a pipe each line stays one line."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

import click

_GAP = 1  # spaces between columns
_BLOCK = "  "  # the indent of values where a table is too wide


def terminal_width() -> int | None:
    """The columns of the terminal on stdout; None if stdout is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_lines(lines: Sequence[str], width: int | None = None) -> None:
    """Prints lines; those that are wider than the terminal are wrapped between words."""
    width = width or terminal_width()
    for line in lines:
        for part in wrap(line, width):
            click.echo(part)


def wrap(line: str, width: int | None) -> list[str]:
    """The line in parts of `width` columns, the later ones further in; whole without a width."""
    if width is None or len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def format_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    least: Sequence[int],
    width: int | None,
) -> list[str]:
    """Lines of a table: a column of names on the left, then numbers, aligned to the right.

    Columns are at least as wide as `least`. If they don't fit into `width`, they shrink to their
    cells and titles wrap; if they still don't fit, each row becomes a block.
    """
    cells = [max(map(len, column)) for column in zip(*rows, strict=True)] or [0] * len(head)
    titles = [len(title) for title in head]
    words = [max(map(len, title.split()), default=0) for title in head]
    for sizes in (
        [max(three) for three in zip(cells, titles, least, strict=True)],
        [max(two) for two in zip(cells, titles, strict=True)],
        [max(two) for two in zip(cells, words, strict=True)],
    ):
        if width is None or sum(sizes) + _GAP * (len(sizes) - 1) <= width:
            return [*_align_titles(head, sizes), *(_align(row, sizes) for row in rows)]
    return [line for row in rows for line in _block(head, row)]


def _align_titles(head: Sequence[str], sizes: Sequence[int]) -> list[str]:
    parts = [
        textwrap.wrap(title, max(size, 1), break_long_words=False) or [""]
        for title, size in zip(head, sizes, strict=True)
    ]
    height = max(map(len, parts))
    lines = [[""] * (height - len(part)) + part for part in parts]
    return [_align(line, sizes) for line in zip(*lines, strict=True)]


def _align(row: Sequence[str], sizes: Sequence[int]) -> str:
    name, *numbers = row
    left = [name.ljust(sizes[0])]
    right = [cell.rjust(size) for cell, size in zip(numbers, sizes[1:], strict=True)]
    return (" " * _GAP).join([*left, *right]).rstrip()


def _block(head: Sequence[str], row: Sequence[str]) -> list[str]:
    """A row as its name and, below it, a line for each number."""
    size = max(map(len, head[1:]), default=0)
    values = zip(head[1:], row[1:], strict=True)
    return [row[0], *(f"{_BLOCK}{title:{size}} {value}" for title, value in values)]
