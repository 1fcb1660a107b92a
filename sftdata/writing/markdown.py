"""Markdown of a dataset card: text from data as text, never as markup."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable

from sftdata.base.escaping import escape

# Marks of Markdown anywhere, of links that need none, and of lists and rules at a line's start.
_MARKUP = re.compile(r"[\\`*_{}\[\]()#!|~$@:]|(?<=www)\.|^[-+=]|(?<=^\d)[.)]", re.IGNORECASE)
_SPACES = re.compile(r"^ +| {2,}")
_BAR = re.compile(r"(?<!\\)\|")


def plain(text: str) -> str:
    """`text` as Markdown that shows it: no markup, HTML, link or hidden character is left."""
    return _MARKUP.sub(r"\\\g<0>", html.escape(escape(text), quote=False))


def code(text: str) -> str:
    """`text` as a code span; in a table, too, where bars must be escaped even there."""
    shown = escape(text)
    ticks = _fence(shown, 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def code_block(language: str, text: str) -> str:
    """A block whose fence is longer than any in the text; hidden characters are visible."""
    fence = _fence(text, 3)
    return f"{fence}{language}\n{escape(text.rstrip(), keep_newlines=True)}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def quote(text: str) -> str:
    """`text` as a block quote with its own line ends and spaces, as `plain` shows them."""
    lines = [_SPACES.sub(lambda found: "&nbsp;" * len(found[0]), line) for line in _lines(text)]
    return "\n".join(
        # A backslash is a line end; before an empty line it would be itself.
        f"> {line}\\" if line and after else f"> {line}".rstrip()
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )


def _lines(text: str) -> list[str]:
    return [plain(line) for line in text.split("\n")]


def table(
    head: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, numbers: Collection[int] = ()
) -> str:
    """A table; the columns at the places `numbers` are aligned to the right."""
    rule = ("---:" if place in numbers else "---" for place in range(len(head)))
    lines = ([_BAR.sub(r"\|", cell) for cell in cells] for cells in (head, rule, *rows))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
