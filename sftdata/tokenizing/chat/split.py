"""Split the text of a chat template at its control tokens into pieces to encode."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from sftdata.tokenizing.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Piece:
    """A control token, by its id, or a text between two of them, to be encoded as plain text.

    `continues`: the text is encoded as the continuation of the piece before, without a prefix.
    """

    content: str | int
    in_loss: bool
    continues: bool = False


@dataclass(frozen=True, slots=True)
class TaughtSpan:
    """A part of a text that the model writes: it is fed the text up to `start`.

    In the loss are the characters from `loss_start` to `end`, which is after the stop token.
    """

    start: int
    loss_start: int
    end: int


def split_text(text: str, spans: Sequence[TaughtSpan], tokenizer: Tokenizer) -> Iterator[Piece]:
    """The pieces of `text` up to the end of the last span. Spans are in order, apart."""
    cuts = sorted({at for span in spans for at in (span.start, span.loss_start)})
    for start, part, token_id in _segments(text[: spans[-1].end], tokenizer):
        if token_id is not None:
            yield Piece(token_id, _in_loss(start, spans))
            continue
        end = start + len(part)
        bounds = [start, *(at for at in cuts if start < at < end), end]
        inside = start > 0 and tokenizer.prefixes_first_only
        for number, (first, last) in enumerate(pairwise(bounds)):
            continues = number > 0 or inside
            yield Piece(part[first - start : last - start], _in_loss(first, spans), continues)


def _in_loss(at: int, spans: Sequence[TaughtSpan]) -> bool:
    following = bisect_right(spans, at, key=attrgetter("end"))  # the first that ends after `at`
    return following < len(spans) and spans[following].loss_start <= at


def _segments(text: str, tokenizer: Tokenizer) -> Iterator[tuple[int, str, int | None]]:
    """Start, text and id of each control token in `text`, and of the texts between them.

    White space that a token absorbs (`lstrip`, `rstrip`) is removed.
    """
    end = 0
    strip = False
    for match in tokenizer.control_pattern.finditer(text):
        token = tokenizer.added_tokens[match[0]]
        part = text[end : match.start()]
        skipped = len(part) - len(part.lstrip()) if strip else 0
        part = part[skipped:].rstrip() if token.get("lstrip") else part[skipped:]
        if part:
            yield end + skipped, part, None
        yield match.start(), match[0], int(token["id"])
        end, strip = match.end(), bool(token.get("rstrip"))
    rest = text[end:].lstrip() if strip else text[end:]
    if rest:
        yield len(text) - len(rest), rest, None
