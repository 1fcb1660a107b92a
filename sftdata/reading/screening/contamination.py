"""Contamination: training rows that hold text of an evaluation set.

Texts are compared by their runs of `NGRAM` words, in lower case and without punctuation, so a
changed comma hides nothing. A text shorter than that is compared as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

NGRAM = 8  # words
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class EvaluationTexts:
    """The sorted hashes of n-grams of evaluation texts, and the overlap that is too much."""

    hashes: npt.NDArray[np.uint64]
    overlap: float  # a row with at least this share of its n-grams among them is contaminated

    def overlaps(self, texts: Iterable[str]) -> npt.NDArray[np.float64]:
        """For each text the share of its n-grams that are among those of the evaluation texts."""
        return np.array([self._overlap(text) for text in texts])

    def _overlap(self, text: str) -> float:
        own = _ngrams(text)
        if not len(own) or not len(self.hashes):
            return 0.0
        at = np.minimum(np.searchsorted(self.hashes, own), len(self.hashes) - 1)
        return float((self.hashes[at] == own).mean())


def count_words(text: str) -> int:
    """The number of words that n-grams are made of."""
    return len(_WORD.findall(text))


def index_texts(texts: Iterable[str], overlap: float) -> EvaluationTexts:
    """The index of these evaluation texts."""
    hashes = [_ngrams(text) for text in texts]
    joined = np.concatenate(hashes) if hashes else np.empty(0, np.uint64)
    return EvaluationTexts(np.unique(joined), overlap)


def _ngrams(text: str) -> npt.NDArray[np.uint64]:
    words: Sequence[str] = _WORD.findall(text.lower())
    if not words:
        return np.empty(0, np.uint64)
    runs = max(len(words) - NGRAM + 1, 1)
    return np.array(
        [xxhash.xxh3_64_intdigest(" ".join(words[i : i + NGRAM]).encode()) for i in range(runs)],
        np.uint64,
    )
