"""Views as rich text for the terminal: hidden characters are escaped, markup is not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sftdata.base.escaping import escape
from sftdata.inspecting.rows.views import Mark, Span

if TYPE_CHECKING:
    from rich.text import Text

_STYLES: dict[Mark, str] = {
    "prompt": "dim",
    "target": "bold green",
    "control": "dim reverse",
    "control-target": "bold green reverse",
    "cut": "bold yellow reverse",
    "note": "",
    "title": "bold",
}


def with_brackets(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans with « and » around the text in the loss: for output without colour."""
    in_loss = False
    for span in spans:
        taught = span.mark in ("target", "control-target")
        if taught != in_loss:
            yield Span("«" if taught else "»", "note")
        in_loss = taught
        yield span
    if in_loss:
        yield Span("»", "note")


def to_rich(spans: Iterable[Span]) -> Text:
    """The spans as one text with styles; line breaks stay."""
    from rich.text import Text

    text = Text()
    for span in spans:
        text.append(escape(span.text, keep_newlines=True), _STYLES[span.mark])
    return text
