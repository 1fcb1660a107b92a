"""The word diff: small pictures, and both texts come back from the pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.inspecting.compare.word_diff import DiffPiece, diff_words


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        (
            "Read this text.", "Read that text.",
            [(" ", "Read "), ("-", "this "), ("+", "that "), (" ", "text.")],
        ),
        ("same", "same", [(" ", "same")]),
        ("", "new", [("+", "new")]),
        ("old", "", [("-", "old")]),
        ("", "", []),
    ],
)  # fmt: skip
def test_a_word_is_removed_added_or_in_both(
    before: str, after: str, pieces: list[DiffPiece]
) -> None:
    assert diff_words(before, after) == pieces


@given(before=st.text("ab \n"), after=st.text("ab \n"))
def test_the_pieces_give_both_texts_back(before: str, after: str) -> None:
    pieces = diff_words(before, after)
    assert "".join(text for sign, text in pieces if sign != "+") == before
    assert "".join(text for sign, text in pieces if sign != "-") == after
