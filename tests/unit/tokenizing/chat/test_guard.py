"""The guard: nothing in the data reads like a control token, and every character comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.tokenizing.chat.guard import Guard

GUARD = Guard(("<|end|>", "<eos>"))
AREA = 0xE000
PARTS = st.sampled_from(["<|end|>", "<eos>", "<", "<|", "end", "|>", ">", " ", "a", '"', "\n"])


def hide(text: str) -> str:
    """The guarded text, with ? for each stand-in."""
    guarded = GUARD.replace(text, AREA)
    return "".join("?" if AREA <= ord(char) < AREA + 16 else char for char in guarded)


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("plain", "plain"),
        ("a <|end|> b", "a ?|end|> b"),
        ("<eos><eos>", "?eos>?eos>"),
        ("ends like <|e", "ends like <|?"),  # a template could write "nd|>" after it
        ("nd|> begins", "?d|> begins"),  # or "<|e" before it
        ("a < b > c", "a < b > c"),  # inside it, no token can be completed
    ],
)
def test_what_reads_like_a_control_token_is_broken(text: str, guarded: str) -> None:
    assert hide(text) == guarded


@given(st.lists(PARTS).map("".join), PARTS, PARTS)
def test_no_token_stands_in_a_guarded_text_and_all_of_it_comes_back(
    text: str, before: str, after: str
) -> None:
    guarded = GUARD.replace(text, AREA)
    assert GUARD.put_back(guarded, AREA) == text
    around = f"{before}{guarded}{after}"
    for token in GUARD.tokens:
        assert token not in guarded
        # The only tokens around it are those that stand there without it.
        assert around.count(token) == before.count(token) + after.count(token)


def test_the_strings_of_nested_values_are_guarded_and_keys_too() -> None:
    value = {"<eos>": ["<eos>", 1, None, {"a": "b"}]}
    guarded = GUARD.replace(value, AREA)
    ((key, items),) = guarded.items()
    assert GUARD.put_back(key, AREA) == "<eos>" != key
    assert items[0] == key
    assert items[1:] == [1, None, {"a": "b"}]


def test_stand_ins_are_characters_that_neither_the_data_nor_the_template_has() -> None:
    assert GUARD.area("text") == 0xE000
    assert GUARD.area("text \ue001") == 0xF0000
    assert Guard(GUARD.tokens, template="\ue001 \U000f0001").area("text") == 0x100000
    assert GUARD.area("\ue001 \U000f0001 \U00100001") is None
