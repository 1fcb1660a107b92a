"""What a turn holds and a template does not show is named."""

from __future__ import annotations

import pytest

from sftdata.base.conversation import Turn
from sftdata.tokenizing.chat.shown import find_unshown

CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 2, "b": 'x"y'}}}


@pytest.mark.parametrize(
    ("turn", "text", "missing"),
    [
        (Turn("user", "Hi"), "user: Hi", None),
        (Turn("user", "Hi"), "user:", "content"),
        (Turn("user", "Hi", name="Ana"), "user: Hi", "name 'Ana'"),
        (Turn("user", "Hi", name="Ana"), "Ana: Hi", None),
        (Turn("tool", "4", name="add"), "tool: 4", None),
        (Turn("assistant", "4", reasoning="2 + 2"), "4", "reasoning"),
        (Turn("assistant", None, tool_calls=(CALL,)), 'add {"a": 2, "b": "x\\"y"}', None),
        (Turn("assistant", None, tool_calls=(CALL,)), "add", "arguments of the call of 'add'"),
        (Turn("assistant", None, tool_calls=(CALL,)), "2 x", "call of 'add'"),
    ],
)
def test_the_first_part_that_is_not_shown_is_named(
    turn: Turn, text: str, missing: str | None
) -> None:
    assert find_unshown(turn, text) == missing
