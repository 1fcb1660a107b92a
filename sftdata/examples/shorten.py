"""Fit examples into `max_length`: the `shorten` field is cut, the target and EOS never.

The longest part of the field that fits is searched by encoding, for all long rows of a batch at
once, and is then taken back to a sentence end where one is near.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Keep = Literal["start", "end", "middle"]

_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s|$)|[。！？]|\n(?=\n)")
_LONGEST_END = 8  # characters of a point with what closes around it
_SPACE = re.compile(r"\s+")
_NEAR = 0.25  # a sentence end is near when at most this share of the kept text is given up for it
_NEAR_WORD = 0.1
_ROUNDS = 24
_SECANT_ROUNDS = 8  # interpolation is usually done by then; halving cannot be unlucky

CountPromptTokens = Callable[[npt.NDArray[np.int64], list[str]], npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a text of `size` characters that is kept."""

    size: int
    snapped: str  # to whole sentences, or words, where they are near; what to take if it fits
    longest: str  # fits


def shorten_texts(
    texts: list[str],
    full_tokens: npt.NDArray[np.int64],
    budgets: npt.NDArray[np.int64],
    keep: Keep,
    count_tokens: CountPromptTokens,
) -> list[Cut | None]:
    """For each text the longest part of it whose prompt fits, or None where none does.

    `full_tokens` and `budgets`: int64[rows], prompt tokens with the whole text and at most.
    `count_tokens(rows, texts)` gives the prompt tokens of these rows with these texts instead.
    The result for a row depends on that row alone.
    """
    rows = np.arange(len(texts))
    high = np.array([len(text) for text in texts])  # characters; known not to fit
    low = np.zeros_like(high)  # characters; fits, where the row can be kept at all
    high_tokens = full_tokens.copy()
    low_tokens = count_tokens(rows, [""] * len(texts))
    possible = low_tokens < budgets
    for round_ in range(_ROUNDS):
        active = rows[possible & (high - low > 1) & (budgets - low_tokens > 1)]
        if not len(active):
            break
        span, gap = high[active] - low[active], high_tokens[active] - low_tokens[active]
        share = np.where(
            (round_ < _SECANT_ROUNDS) & (gap > 0),
            (budgets[active] - low_tokens[active]) / np.maximum(gap, 1),
            0.5,
        )
        guess = low[active] + np.clip((span * share).astype(np.int64), 1, span - 1)
        tokens = count_tokens(
            active, [take_part(texts[r], int(n), keep) for r, n in zip(active, guess, strict=True)]
        )
        fits = tokens <= budgets[active]
        low[active[fits]], low_tokens[active[fits]] = guess[fits], tokens[fits]
        high[active[~fits]], high_tokens[active[~fits]] = guess[~fits], tokens[~fits]
    cuts = (
        Cut(len(text), _snapped(text, int(n), keep), take_part(text, int(n), keep)) if ok else None
        for text, n, ok in zip(texts, low, possible, strict=True)
    )
    return [cut if cut is not None and cut.snapped.strip() else None for cut in cuts]


def take_part(text: str, size: int, keep: Keep) -> str:
    """`size` characters of `text`, from its start, its end or its middle."""
    first = _first(text, size, keep)
    return text[first : first + size]


def _first(text: str, size: int, keep: Keep) -> int:
    return {"start": 0, "end": len(text) - size, "middle": (len(text) - size) // 2}[keep]


def _snapped(text: str, size: int, keep: Keep) -> str:
    """The same part without the broken sentence (or word) at the sides where it was cut."""
    first = _first(text, size, keep)
    last = first + size
    start, end = first, last
    if keep != "start":
        start = _sentence_start(text, first, last)
    if keep != "end":
        end = _sentence_end(text, first, last)
    return text[start:end]


def _sentence_end(text: str, first: int, last: int) -> int:
    """The last sentence end in `text[first:last]`, else the last word end, where one is near."""
    near = last - int((last - first) * _NEAR)
    # Matched with one character more: a point before the cut may stand inside a number.
    matches = _SENTENCE_END.finditer(text, max(near - _LONGEST_END, first), last + 1)
    ends = [match.end() for match in matches if near <= match.end() <= last]
    if ends:
        return ends[-1]
    spaces = list(_SPACE.finditer(text, last - int((last - first) * _NEAR_WORD), last))
    return spaces[-1].start() if spaces else last


def _sentence_start(text: str, first: int, last: int) -> int:
    """The first sentence start in `text[first:last]`, else the first word start, where near."""
    sentence = _SENTENCE_END.search(text, first)
    if sentence and sentence.end() <= first + int((last - first) * _NEAR):
        space = _SPACE.match(text, sentence.end())
        return space.end() if space else sentence.end()
    word = _SPACE.search(text, first, first + int((last - first) * _NEAR_WORD))
    return word.end() if word else first
