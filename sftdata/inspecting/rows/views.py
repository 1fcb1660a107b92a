"""The views of a row (turns, text, tokens, labels) as marked pieces of text.

A mark is the kind of a piece; the terminal gives it a style, a page a CSS class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from sftdata.base.escaping import escape, escape_bytes
from sftdata.base.wording import count
from sftdata.inspecting.rows.inspector import InspectedRow
from sftdata.inspecting.rows.tokens import Token
from sftdata.inspecting.rows.turns import ShownTurn
from sftdata.loading.dataset import IGNORED

View = Literal["turns", "text", "tokens", "labels"]

Mark = Literal["prompt", "target", "control", "control-target", "cut", "note", "title"]

# Shown at each end of a long text outside the loss.
_KEPT_CHARACTERS, _KEPT_LINES = 240, 4
_LINE = 60  # characters of a row in a list; no less is folded


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a view. `prompt` and `target` mean outside and inside the loss."""

    text: str
    mark: Mark


def view_spans(view: View, inspected: InspectedRow) -> list[Span]:
    """The pieces of one view, in order."""
    spans = {"turns": _turns, "text": _text, "tokens": _tokens, "labels": _labels}[view]
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


def turn_title(turn: ShownTurn) -> str:
    """The role of a turn and its taught share: "assistant, taught 12 of 15 tokens"."""
    size = turn.end - turn.start
    if not turn.taught:
        taught = f"not taught, {count(size, 'token')}"
    elif turn.taught == size:
        taught = f"taught, {count(size, 'token')}"
    else:
        taught = f"taught {turn.taught:,} of {count(size, 'token')}"
    kinds = "" if set(turn.kinds) <= {"text"} else f": {', '.join(turn.kinds)}"
    return f"{turn.role}, {taught}{kinds}" if turn.role else taught


def first_words(inspected: InspectedRow) -> str:
    """The start of the taught text, as one line: without control tokens and later turns."""
    first = last = inspected.example.target_start
    while last < len(inspected.tokens) and inspected.tokens[last].in_loss:
        last += 1
    shown = (span.text for span in _shown(inspected, first, last) if span.mark == "target")
    return short_line("".join(shown))


def short_line(text: str) -> str:
    """The start of a text, as one line."""
    line = " ".join(text[: 4 * _LINE].split())
    return line if len(line) <= _LINE else f"{line[:_LINE].rstrip()}…"


def turn_spans(inspected: InspectedRow, turn: ShownTurn, *, fold: bool = True) -> Iterator[Span]:
    """The text of a turn; if folded, without the middle of a long text outside the loss."""
    if not fold:
        yield from _shown(inspected, turn.start, turn.end)
        return
    named = {part.start: part.kind for part in turn.parts}
    bounds = sorted({turn.start, *named, *(part.end for part in turn.parts), turn.end})
    for first, last in pairwise(bounds):
        if first in named:
            yield Span(f"[{named[first]}] ", "note")
        place = first
        for in_loss, group in groupby(inspected.tokens[first:last], lambda token: token.in_loss):
            end = place + len(list(group))
            hidden = range(0) if in_loss else _folded(inspected, place, end)
            if hidden:
                yield from _shown(inspected, place, hidden.start)
                yield Span(f"\n… {count(len(hidden), 'token')} …\n", "note")
                yield from _shown(inspected, hidden.stop, end)
            else:
                yield from _shown(inspected, place, end)
            place = end


def _folded(inspected: InspectedRow, first: int, last: int) -> range:
    """The tokens in the middle that are not shown; an empty range if all are."""
    tokens, text = inspected.tokens, inspected.text
    start, end = first, last
    while start < last and _is_short(text[tokens[first].start : tokens[start].end]):
        start += 1
    while end > start and _is_short(text[tokens[end - 1].start : tokens[last - 1].end]):
        end -= 1
    if end - start < 2:
        return range(0)
    hidden = text[tokens[start].start : tokens[end - 1].end]
    return range(start, end) if len(hidden) > _LINE or hidden.count("\n") > 2 else range(0)


def _is_short(text: str) -> bool:
    return len(text) <= _KEPT_CHARACTERS and text.count("\n") <= _KEPT_LINES


def _turns(inspected: InspectedRow) -> Iterator[Span]:
    if inspected.cut:
        yield Span(f"[cut] {inspected.cut.detail}\n", "cut")
    for turn in inspected.turns:
        yield Span(f"── {turn_title(turn)}\n", "title")
        *spans, last = turn_spans(inspected, turn)
        yield from spans
        yield Span(last.text.rstrip("\n"), last.mark)
        yield Span("\n", "note")


def _text(inspected: InspectedRow) -> Iterator[Span]:
    if inspected.cut and not inspected.cut.places:
        yield Span(f"[cut] {inspected.cut.detail}\n", "cut")
    yield from _shown(inspected, 0, len(inspected.tokens))
    if inspected.cut and inspected.cut.places:
        yield Span(f"\n[cut] {inspected.cut.detail}", "cut")


def _shown(inspected: InspectedRow, first: int, last: int) -> Iterator[Span]:
    """The text of the tokens from `first` to before `last`, with the places of cuts."""
    text, shown = inspected.text, inspected.tokens[first].start if first < last else 0
    places = inspected.cut.places if inspected.cut else ()
    cuts = [place for place in places if place > shown or first == 0]
    runs = groupby(
        inspected.tokens[first:last], key=lambda token: (mark_token(token), token.is_control)
    )
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


def _tokens(inspected: InspectedRow) -> Iterator[Span]:
    ids = max(5, *(len(str(token.id)) for token in inspected.tokens))
    spans = max(10, 2 * len(str(len(inspected.text))) + 1)
    yield Span(
        f"{'place':>5} {'id':>{ids}} {'label':>{ids}} {'characters':>{spans}}  bytes\n", "note"
    )
    for place, token in enumerate(inspected.tokens):
        label = token.id if token.in_loss else IGNORED
        characters = f"{token.start}-{token.end}"
        yield Span(f"{place:>5} {token.id:>{ids}} {label:>{ids}} {characters:>{spans}}  ", "note")
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
