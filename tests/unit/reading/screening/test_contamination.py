"""Contamination: how much of a text stands in evaluation texts."""

from __future__ import annotations

import pytest

from sftdata.reading.screening.contamination import NGRAM, index_texts

WORDS = [f"word{i}" for i in range(40)]
LONG = " ".join(WORDS)


@pytest.mark.parametrize(
    ("text", "overlap"),
    [
        (LONG, 1.0),
        (LONG.upper().replace(" ", ",\n  "), 1.0),  # case, punctuation and space hide nothing
        (" ".join(WORDS[:NGRAM]), 1.0),
        (" ".join(WORDS[: NGRAM - 1]), 0.0),  # shorter than an n-gram and not a whole text
        (" ".join(WORDS[::-1]), 0.0),
        ("", 0.0),
        ("!?", 0.0),
        ("a short text", 1.0),
        ("a short text too", 0.0),
        (" ".join([*WORDS[:12], *"abcdefgh"]), 5 / 13),  # 5 of the 13 runs of eight words
    ],
)
def test_the_share_of_a_text_that_stands_in_an_evaluation_text(text: str, overlap: float) -> None:
    texts = index_texts([LONG, "A short text."], 0.5)
    assert texts.overlaps([text]).tolist() == [pytest.approx(overlap)]


def test_no_evaluation_text_overlaps_with_nothing() -> None:
    assert index_texts([], 0.5).overlaps([LONG, ""]).tolist() == [0.0, 0.0]
    assert index_texts(["", "…"], 0.5).overlaps([LONG, ""]).tolist() == [0.0, 0.0]
