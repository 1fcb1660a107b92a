"""Checks of conversations: each finds its planted fault, and nothing in a clean conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sftdata.base.arrow import texts
from sftdata.base.conversation import ASSISTANT, TOOL, USER, Conversation, Turn
from sftdata.reading.screening.conversation_checks import find_conversation_suspects
from sftdata.spec.check_rules import CheckRule


def call(name: str, arguments: Any) -> Turn:
    function = {"name": name, "arguments": arguments}
    return Turn(ASSISTANT, None, tool_calls=({"type": "function", "function": function},))


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLEAN = Conversation(
    (
        Turn(USER, 'Rain? "tool_calls": none, "reasoning": none.'),
        call("weather", {"city": "Rome"}),
        Turn(TOOL, "rain"),
        Turn(ASSISTANT, "Yes.", reasoning="It says rain."),
    ),
    tools=[{"type": "function", "function": {"name": "weather", "parameters": CITY}}],
)


def with_turn(number: int, turn: Turn) -> Conversation:
    turns = list(CLEAN.turns)
    turns[number] = turn
    return replace(CLEAN, turns=tuple(turns))


def suspects(*conversations: Conversation, **rules: Any) -> list[tuple[int, str, str, str]]:
    column = texts([one.to_json() for one in conversations])
    known = {name: CheckRule(action=action) for name, action in rules.items()}
    found = find_conversation_suspects(column, known)
    return [(one.row, one.check, one.action, one.detail) for one in found]


def test_a_clean_conversation_is_not_suspected() -> None:
    assert suspects(CLEAN, Conversation(CLEAN.turns[:1])) == []


@pytest.mark.parametrize(
    ("conversation", "check", "detail"),
    [
        (
            with_turn(1, call("wether", {"city": "Rome"})), "unknown_tool",
            "turn 2 calls 'wether', which is not one of the row's tools. "
            "Did you mean 'weather'?",
        ),
        (
            with_turn(1, call("weather", {"town": "Rome"})), "tool_arguments",
            "the arguments of 'weather' in turn 2 lack 'city'",
        ),
        (
            with_turn(1, call("weather", "{city: Rome")), "tool_arguments",
            "the arguments of 'weather' in turn 2 are a string, not an object: '{city: Rome'",
        ),
        (
            with_turn(3, Turn(ASSISTANT, "", reasoning="Hm.")), "only_reasoning",
            "turn 4 is a reasoning without an answer or a call",
        ),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(conversation: Conversation, check: str, detail: str) -> None:
    assert suspects(CLEAN, conversation) == [(1, check, "flag", detail)]


def test_without_tools_beside_the_turns_any_call_may_be_right() -> None:
    assert suspects(replace(with_turn(1, call("other", {"x": 1})), tools=None)) == []


def test_the_spec_may_say_drop() -> None:
    spoiled = with_turn(1, call("other", {}))
    assert [s[2] for s in suspects(spoiled, unknown_tool="drop")] == ["drop"]
