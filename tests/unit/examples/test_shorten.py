"""Rows that are too long: what stays of the text, and when nothing can."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.examples.shorten import Keep, shorten_texts, take_part

HEAD = 3  # tokens of the prompt around the text


def count_words(rows: npt.NDArray[np.int64], texts: list[str]) -> npt.NDArray[np.int64]:
    """Prompt tokens where each word is a token."""
    assert len(rows) == len(texts)
    return np.array([HEAD + len(text.split()) for text in texts], np.int64)


def count_characters(rows: npt.NDArray[np.int64], texts: list[str]) -> npt.NDArray[np.int64]:
    assert len(rows) == len(texts)
    return np.array([HEAD + len(text) for text in texts], np.int64)


def shorten(text: str, budget: int, keep: Keep = "start", count=count_characters) -> str | None:
    full = count(np.array([0]), [text])
    assert full[0] > budget
    [cut] = shorten_texts([text], full, np.array([budget]), keep, count)
    if cut is None:
        return None
    assert cut.size == len(text)
    assert count(np.array([0]), [cut.longest])[0] <= budget
    return cut.snapped


@pytest.mark.parametrize(
    ("keep", "expected"), [("start", "abcd"), ("end", "ghij"), ("middle", "defg")]
)
def test_a_part_is_from_the_start_the_end_or_the_middle(keep: Keep, expected: str) -> None:
    assert take_part("abcdefghij", 4, keep) == expected


@pytest.mark.parametrize(
    ("keep", "expected"), [("start", "abcd"), ("end", "ghij"), ("middle", "defg")]
)
def test_text_without_a_place_to_cut_keeps_all_that_fits(keep: Keep, expected: str) -> None:
    assert shorten("abcdefghij", HEAD + 4, keep) == expected


def test_the_start_ends_at_the_end_of_a_sentence_that_is_near() -> None:
    text = "The first sentence is long. Then comes another one."
    assert shorten(text, HEAD + 32) == "The first sentence is long."


def test_the_end_starts_at_the_start_of_a_sentence_that_is_near() -> None:
    text = "Long ago, it began. The last sentence of this is long."
    assert shorten(text, HEAD + 38, "end") == "The last sentence of this is long."


def test_the_middle_is_whole_sentences() -> None:
    text = "One one one one. Two two two two two two two two. Three three three."
    assert shorten(text, HEAD + 40, "middle") == "Two two two two two two two two."


def test_a_sentence_end_that_is_far_does_not_cost_half_the_text() -> None:
    text = "Short. " + "word " * 40
    kept = shorten(text, HEAD + 100)
    assert kept is not None
    assert 90 <= len(kept) <= 100
    assert kept.endswith("word")


def test_a_point_inside_a_number_is_not_the_end_of_a_sentence() -> None:
    # Cut right after "3." of "3.14", the text would seem to end there.
    text = "aaaa aaaa aaaa aaaa bbb bb is 3.14159 and more"
    size = text.index("14159")
    assert shorten(text, HEAD + size) == text[: text.index(" 3.14")]


def test_sentences_end_in_other_scripts_too() -> None:
    assert shorten("これは長い文です。次の文はもっと長いです。", HEAD + 11) == "これは長い文です。"


@pytest.mark.parametrize("budget", [0, 1, HEAD])
def test_where_the_prompt_alone_does_not_fit_nothing_is_kept(budget: int) -> None:
    assert shorten("some text", budget) is None


def test_what_is_kept_is_never_only_white_space() -> None:
    assert shorten("   " + "word" * 10, HEAD + 2) is None


def test_rows_are_cut_each_for_itself() -> None:
    texts = ["a" * 50, "b" * 40, "c" * 30]
    budgets = np.array([HEAD + 10, HEAD - 1, HEAD + 29])
    full = count_characters(np.arange(3), texts)
    cuts = shorten_texts(texts, full, budgets, "start", count_characters)
    together = [cut and cut.snapped for cut in cuts]
    assert together == ["a" * 10, None, "c" * 29]
    alone = [shorten(text, int(b)) for text, b in zip(texts, budgets, strict=True)]
    assert together == alone


@given(
    words=st.lists(st.sampled_from(["a", "word", "end.", "日本。", "\n\n", "3.1"]), min_size=9),
    budget=st.integers(0, HEAD + 8),
    keep=st.sampled_from(["start", "end", "middle"]),
)
def test_what_is_kept_fits_and_is_a_part_of_the_text(
    words: list[str], budget: int, keep: Keep
) -> None:
    text = " ".join(words)
    if count_words(np.array([0]), [text])[0] <= budget:
        return
    kept = shorten(text, budget, keep, count_words)
    if kept is None:
        return
    assert HEAD < count_words(np.array([0]), [kept])[0] <= budget
    assert {"start": text.startswith, "end": text.endswith, "middle": text.__contains__}[keep](kept)


def test_the_budget_is_used_where_tokens_are_uneven() -> None:
    # The first half has one token a character, the second half one for each ten.
    def count(rows: npt.NDArray[np.int64], texts: list[str]) -> npt.NDArray[np.int64]:
        uneven = [HEAD + min(len(t), 1000) + max(len(t) - 1000, 0) // 10 for t in texts]
        return np.array(uneven, np.int64)

    for budget in (500, 1000, 1050, 1099):
        kept = shorten("x" * 2000, budget, "start", count)
        assert kept is not None
        used = int(count(np.array([0]), [kept])[0])
        assert budget - 1 <= used <= budget
