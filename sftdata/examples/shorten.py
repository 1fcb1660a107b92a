"""Shorten texts: find the longest part that fits, and end it at a sentence if one ends nearby.

The search encodes parts of growing and shrinking length, for all long rows of a batch at once.
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
_LONGEST_END = 8  # characters of a full stop with its closing quotes and brackets
_SPACE = re.compile(r"\s+")
_NEAR = 0.25  # give up at most this share of the kept text to end at a sentence
_NEAR_WORD = 0.1  # the same, to end at a word
_ROUNDS = 24
_SECANT_ROUNDS = 8  # interpolate first, which is usually enough; then halve, which always ends

CountTokens = Callable[[npt.NDArray[np.int64], list[str]], npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a text of `size` characters that is kept."""

    size: int
    snapped: str  # to whole sentences or words where they are near; take this one if it fits
    longest: str  # fits


def shorten_texts(
    texts: list[str],
    full_tokens: npt.NDArray[np.int64],
    budgets: npt.NDArray[np.int64],
    keep: Keep,
    count_tokens: CountTokens,
) -> list[Cut | None]:
    """For each text the longest part that fits, or None if no part fits.

    `full_tokens`: int64[rows], the tokens of each example with its whole text; `budgets`:
    int64[rows], the most it may have. `count_tokens(rows, texts)` counts the tokens of these rows
    with other texts. The result for a row depends on that row alone.
    """
    rows = np.arange(len(texts))
    high = np.array([len(text) for text in texts])  # characters that do not fit
    low = np.zeros_like(high)  # characters that fit, if any do
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
    """The same part without the incomplete sentence (or word) at each cut side."""
    first = _first(text, size, keep)
    last = first + size
    start, end = first, last
    if keep != "start":
        start = _sentence_start(text, first, last)
    if keep != "end":
        end = _sentence_end(text, first, last)
    return text[start:end]


def _sentence_end(text: str, first: int, last: int) -> int:
    """The last sentence end near `last`, else the last word end near it, else `last`."""
    near = last - int((last - first) * _NEAR)
    # Match one character more: a full stop before the cut may stand inside a number.
    matches = _SENTENCE_END.finditer(text, max(near - _LONGEST_END, first), last + 1)
    ends = [match.end() for match in matches if near <= match.end() <= last]
    if ends:
        return ends[-1]
    spaces = list(_SPACE.finditer(text, last - int((last - first) * _NEAR_WORD), last))
    return spaces[-1].start() if spaces else last


def _sentence_start(text: str, first: int, last: int) -> int:
    """The first sentence start near `first`, else the first word start near it, else `first`."""
    sentence = _SENTENCE_END.search(text, first)
    if sentence and sentence.end() <= first + int((last - first) * _NEAR):
        space = _SPACE.match(text, sentence.end())
        return space.end() if space else sentence.end()
    word = _SPACE.search(text, first, first + int((last - first) * _NEAR_WORD))
    return word.end() if word else first
