"""The three views of a row (text, tokens, labels) as marked pieces of text.

A mark is the kind of a piece; the terminal gives it a style, a page a CSS class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from sftdata.base.escaping import escape, escape_bytes
from sftdata.inspecting.rows.inspector import InspectedRow
from sftdata.inspecting.rows.tokens import Token
from sftdata.loading.dataset import IGNORED

View = Literal["text", "tokens", "labels"]

Mark = Literal["prompt", "target", "control", "control-target", "cut", "note"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a view. `prompt` and `target` mean outside and inside the loss."""

    text: str
    mark: Mark


def view_spans(view: View, inspected: InspectedRow) -> list[Span]:
    """The pieces of one view, in order."""
    spans = {"text": _text, "tokens": _tokens, "labels": _labels}[view]
    return list(spans(inspected))


def heading(inspected: InspectedRow) -> str:
    """One line with ids and lengths; hidden characters of ids are escaped."""
    example = inspected.example
    in_loss = int(example.label_mask.sum())
    names = (example.row_id, inspected.split, inspected.task, example.template)
    return (
        f"{'  '.join(map(escape, names))}  "
        f"{len(example.input_ids):,} tokens, target from {example.target_start:,}, "
        f"{in_loss:,} in the loss"
    )


def mark_token(token: Token) -> Mark:
    """The mark of a token."""
    if token.is_control:
        return "control-target" if token.in_loss else "control"
    return "target" if token.in_loss else "prompt"


def _text(inspected: InspectedRow) -> Iterator[Span]:
    text, shown = inspected.text, 0
    cuts = list(inspected.cut.places) if inspected.cut else []
    if inspected.cut and not cuts:
        yield Span(f"[cut] {inspected.cut.detail}\n", "cut")
    runs = groupby(inspected.tokens, key=lambda token: (mark_token(token), token.is_control))
    for (mark, is_control), group in runs:
        tokens = list(group)
        end = max(shown, tokens[-1].end)
        while cuts and cuts[0] <= end:
            yield Span(text[shown : cuts[0]], mark)
            yield Span("[cut]", "cut")
            shown = cuts.pop(0)
        if end > shown:
            yield Span(text[shown:end], mark)
        elif is_control:  # a token outside the text
            yield Span("".join(token.piece for token in tokens), mark)
        shown = end
    if inspected.cut and inspected.cut.places:
        yield Span(f"\n[cut] {inspected.cut.detail}", "cut")


def _tokens(inspected: InspectedRow) -> Iterator[Span]:
    yield Span(f"{'place':>6} {'id':>7} {'label':>7} {'characters':>13}  bytes\n", "note")
    for place, token in enumerate(inspected.tokens):
        label = token.id if token.in_loss else IGNORED
        characters = f"{token.start}-{token.end}"
        yield Span(f"{place:>6} {token.id:>7} {label:>7} {characters:>13}  ", "note")
        yield Span(escape_bytes(token.data), mark_token(token))
        yield Span("\n", "note")


def _labels(inspected: InspectedRow) -> Iterator[Span]:
    place = 0
    for in_loss, group in groupby(inspected.tokens, key=lambda token: token.in_loss):
        tokens = list(group)
        where = "in the loss" if in_loss else f"not in the loss ({IGNORED})"
        places = f"{place}-{place + len(tokens) - 1}"
        yield Span(f"{places}, {len(tokens):,} tokens {where}\n", "note")
        for token in tokens:
            yield Span(escape_bytes(token.data), mark_token(token))
            yield Span(" ", "note")
        yield Span("\n", "note")
        place += len(tokens)
