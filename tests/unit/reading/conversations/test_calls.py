"""Calls of tools: every form in which they are stored comes out as one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sftdata.reading.conversations.calls import read_calls
from sftdata.reading.conversations.faults import ConversationFault

CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": None}}}


@pytest.mark.parametrize(
    "value",
    [
        [CALL],
        CALL,
        json.dumps([CALL]),
        [json.dumps(CALL)],
        [{"name": "add", "arguments": {"a": 1, "b": None}}],
        {"name": "add", "arguments": '{"a": 1, "b": null}'},
        [{"id": "", "type": None, "function": {"name": "add", "arguments": '{"a":1,"b":null}'}}],
    ],
)
def test_all_forms_are_one(value: Any) -> None:
    assert read_calls(value, 2, null_filled=False) == (CALL,)


def test_ids_stay_and_come_first() -> None:
    (call,) = read_calls([CALL | {"id": "c1"}], 2, null_filled=False)
    assert list(call) == ["id", "type", "function"]


@pytest.mark.parametrize("arguments", ["", None, {}, "{}"])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    (call,) = read_calls({"name": "now", "arguments": arguments}, 2, null_filled=False)
    assert call["function"]["arguments"] == {}


@pytest.mark.parametrize("arguments", ["a=1", "[1]", '"x"', '{"a": 1, "a": 2}', '{"a": NaN}'])
def test_arguments_that_are_not_the_json_of_an_object_stay_text(arguments: str) -> None:
    (call,) = read_calls({"name": "f", "arguments": arguments}, 2, null_filled=False)
    assert call["function"]["arguments"] == arguments


def test_the_nulls_of_a_table_are_no_arguments() -> None:
    (call,) = read_calls([CALL | {"id": None}], 2, null_filled=True)
    assert call["function"]["arguments"] == {"a": 1}


@pytest.mark.parametrize(
    ("value", "reason", "what"),
    [
        ("add(1)", "bad_tool_call", "is text that is not JSON"),
        ([3], "bad_tool_call", "is a number (3), not an object"),
        (3, "bad_tool_call", "is a number (3), not an object"),
        ([{}], "bad_tool_call", "has no name"),
        ([CALL | {"type": "web"}], "bad_tool_call", "is of the type 'web'"),
        ({"name": "f", "arguments": [1]}, "bad_tool_call", "has a list for arguments"),
        ({"name": "f", "arguments": {"a": float("nan")}}, "bad_tool_call", "cannot be read"),
        ([CALL | {"index": 0}], "unknown_turn_key", "has the key 'index', which nothing reads"),
        ({"name": "f", "parameters": {}}, "unknown_turn_key", "has the key 'parameters'"),
        ({"function": {"name": "f", "x": 1}}, "unknown_turn_key", "has the key 'x'"),
    ],
)
def test_other_values_are_faults_of_their_turn(value: Any, reason: str, what: str) -> None:
    with pytest.raises(ConversationFault) as fault:
        read_calls(value, 2, null_filled=False)
    assert fault.value.reason == reason
    assert fault.value.detail.startswith(f"the tool call of turn 2 {what}")
