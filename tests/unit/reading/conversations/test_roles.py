"""Roles: the names of the field, in any case."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.roles import read_role


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("user", ["user", "User", " HUMAN ", "prompter"]),
        ("assistant", ["gpt", "ChatGPT", "bing", "bard", "model", "bot", "AI"]),
        ("system", ["System", "system_prompt"]),
        ("developer", ["developer"]),
        ("tool", ["tool", "function", "observation", "Tool-Response", "tool result"]),
        ("call", ["function_call", "tool_call"]),
    ],
)
def test_a_role_has_many_names(role: str, names: list[str]) -> None:
    assert {read_role(name, 1) for name in names} == {role}


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        ("narrator", "unknown_role", "turn 3 has the role 'narrator'; known: system,"),
        ("", "unknown_role", "turn 3 has the role ''"),
        (None, "bad_messages", "the role of turn 3 is null, not text"),
        (1, "bad_messages", "the role of turn 3 is a number (1), not text"),
    ],
)
def test_an_unknown_role_is_named(name: Any, reason: str, detail: str) -> None:
    with pytest.raises(ConversationFault) as fault:
        read_role(name, 3)
    assert fault.value.reason == reason
    assert fault.value.detail.startswith(detail)
