"""Messages: two spellings of a conversation come out as one; a fault names its turn."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.reading.messages import canonical_messages, parse_messages

USER, ASSISTANT = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be kind."}


def test_both_spellings_give_the_same_turns() -> None:
    openai = [SYSTEM, USER, ASSISTANT]
    sharegpt = [
        {"from": "system", "value": "Be kind."},
        {"from": "human", "value": "Hi"},
        {"from": "gpt", "value": "Hello"},
    ]
    text, problem = canonical_messages(openai)
    assert problem is None
    assert text == '[["system","Be kind."],["user","Hi"],["assistant","Hello"]]'
    assert canonical_messages(sharegpt) == (text, None)
    assert parse_messages(text) == [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "'messages' is not a list of turns"),
        ("Hi", "'messages' is not a list of turns"),
        ([], "'messages' is not a list of turns"),
        ([USER, "Hello"], "turn 2 is not an object with a role and a text"),
        ([{"role": "user", "content": 1}], "turn 1 is not an object with a role and a text"),
        (
            [USER, {"role": "tool", "content": "1"}],
            "turn 2 has the role 'tool'; known: system, user, human, assistant, gpt",
        ),
        ([ASSISTANT], "turn 1 is of assistant, not user"),
        ([USER, USER], "turn 2 is of user, not assistant"),
        ([SYSTEM, ASSISTANT], "turn 2 is of assistant, not user"),
        ([USER, SYSTEM], "turn 2 is of system, not assistant"),
        ([USER], "the last turn is not the assistant's"),
        ([SYSTEM], "the last turn is not the assistant's"),
        ([USER, ASSISTANT | {"content": " \n"}], "a turn is empty"),
        (
            [USER, ASSISTANT | {"content": "\ud800"}],
            "a turn holds a lone surrogate, which no tokenizer can encode",
        ),
    ],
)
def test_a_faulty_conversation_has_no_turns_and_a_reason(value: Any, problem: str) -> None:
    assert canonical_messages(value) == (None, problem)
