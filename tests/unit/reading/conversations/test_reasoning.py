"""Reasoning: which white space belongs to the block, to the reasoning and to the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.reasoning import split_reasoning


@pytest.mark.parametrize(
    ("content", "reasoning", "rest"),
    [
        ("<think>\nHm.\n</think>\n\nYes.", "Hm.", "Yes."),
        ("<think>Hm.</think>Yes.", "Hm.", "Yes."),
        ("\n <think>\n\n  a\n  b \n\n</think>\n\n    code\n", "  a\n  b ", "    code\n"),
        ("<think>\n\n</think>\n\nYes.", "", "Yes."),
        ("<think></think>", "", ""),
        ("<think>a</think>b</think>c", "a", "b</think>c"),
        ("Hm.\n</think>\n\nYes.", "Hm.", "Yes."),  # the generation prompt had opened the block
        ("Yes.", None, "Yes."),
        ("Write <think> first.", None, "Write <think> first."),
        ("The mark </think> ends it.", None, "The mark </think> ends it."),
        ("Such as <think>\na\n</think>\n", None, "Such as <think>\na\n</think>\n"),
    ],
)
def test_a_block_at_the_start_is_reasoning(content: str, reasoning: str | None, rest: str) -> None:
    assert split_reasoning(content, 2) == (reasoning, rest)


def test_a_block_without_an_end_is_a_fault() -> None:
    with pytest.raises(ConversationFault, match="turn 2 opens <think> and does not close it"):
        split_reasoning("<think>\nHm.", 2)


TEXT = st.text(max_size=20).filter(lambda text: "<" not in text)


@given(TEXT.map(lambda t: t.strip("\n")), TEXT.map(lambda t: t.lstrip("\n")))
def test_the_bytes_around_it_are_those_that_qwen_3_writes(reasoning: str, answer: str) -> None:
    content = f"<think>\n{reasoning}\n</think>\n\n{answer}"
    assert split_reasoning(content, 1) == (reasoning, answer)
