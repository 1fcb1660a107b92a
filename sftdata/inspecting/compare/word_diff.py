"""The difference between two texts, word by word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Literal

_WORD = re.compile(r"\S+\s*|\s+")

Sign = Literal["-", "+", " "]  # removed, added, in both
DiffPiece = tuple[Sign, str]


def diff_words(before: str, after: str) -> list[DiffPiece]:
    """Pieces of text in reading order, each removed, added or in both texts."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    # Texts are mostly equal, and matching is quadratic: take the equal ends off first.
    head = _common_start(old, new)
    tail = _common_start(old[head:][::-1], new[head:][::-1])
    middle, new_middle = old[head : len(old) - tail], new[head : len(new) - tail]
    pieces: list[DiffPiece] = [(" ", "".join(old[:head]))]
    matcher = difflib.SequenceMatcher(None, middle, new_middle, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        removed, added = "".join(middle[start:end]), "".join(new_middle[new_start:new_end])
        if tag == "equal":
            pieces.append((" ", removed))
        else:
            pieces += [("-", removed), ("+", added)]
    pieces.append((" ", "".join(old[len(old) - tail :])))
    return [piece for piece in pieces if piece[1]]


def _common_start(one: Sequence[str], other: Sequence[str]) -> int:
    """The number of words that two lists share at their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
