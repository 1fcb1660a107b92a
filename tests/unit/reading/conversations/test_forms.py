"""Forms: a list of turns, its JSON text, and an object of lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.forms import to_items

TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@pytest.mark.parametrize(
    "value",
    [
        TURNS,
        json.dumps(TURNS),
        {"role": ["user", "assistant"], "content": ["Hi", "Hello"], "name": None},
        [("role", ["user", "assistant"]), ("content", ["Hi", "Hello"])],
    ],
)
def test_every_form_gives_the_list(value: Any) -> None:
    assert to_items(value, "messages") == TURNS


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("Hi", "'messages' is text that is not a JSON list of turns: "),
        (str(TURNS), "'messages' is text that is not a JSON list of turns: "),
        ('"Hi"', "'messages' is a string, not a list of turns"),
        (3, "'messages' is a number (3), not a list of turns"),
        ({"role": "user", "content": "Hi"}, "'messages' is an object, not a list of turns"),
        ({"role": ["user"], "content": []}, "'messages' is an object, not a list of turns"),
    ],
)
def test_other_values_are_faults(value: Any, detail: str) -> None:
    with pytest.raises(ConversationFault) as fault:
        to_items(value, "messages")
    assert fault.value.detail.startswith(detail)
