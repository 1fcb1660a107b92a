"""Write Markdown: tables, code, and text whose special characters are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def escape(text: str) -> str:
    """The text as Markdown shows it; what stands in backticks stays code."""
    parts = " ".join(text.split()).split("`")
    for place in range(0, len(parts), 2):
        for character in "*<|":
            parts[place] = parts[place].replace(character, f"&#{ord(character)};")
        parts[place] = parts[place].replace("{", "&#123;")
    return "`".join(parts)


def code(text: str) -> str:
    """The text as code, whatever it holds."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
