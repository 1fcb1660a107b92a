"""Turns: each form of a turn gives the same; a key that nothing reads is a fault."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.base.conversation import Turn
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.turns import read_turn

CALL = {"type": "function", "function": {"name": "f", "arguments": {}}}
HI = {"role": "user", "content": "Hi"}
HELLO = {"role": "assistant", "content": "Hello"}


def read(item: Any, **options: Any) -> Turn:
    return read_turn(item, 2, **{"null_filled": False, "ignored": frozenset()} | options)


@pytest.mark.parametrize(
    "item",
    [
        HI,
        {"from": "human", "value": "Hi"},
        {"from": "human", "value": "Hi", "role": None, "content": None, "weight": None},
        [("role", "user"), ("content", "Hi"), ("name", None)],  # a map of Arrow
        HI | {"tool_calls": [], "annotations": [], "name": ""},
    ],
)
def test_a_plain_turn_in_all_forms(item: Any) -> None:
    assert read(item) == Turn("user", "Hi")


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "Hi"}],
        {"type": "text", "text": "Hi"},
        [{"text": "Hi", "image_url": None}],
        ["Hi"],
        [{"type": "input_text", "text": "Hi"}],
    ],
)
def test_parts_stay_parts(content: Any) -> None:
    assert read(HI | {"content": content}).content == [{"type": "text", "text": "Hi"}]


@pytest.mark.parametrize(
    "item",
    [
        HELLO | {"reasoning_content": "Hm."},
        HELLO | {"reasoning": "Hm."},
        HELLO | {"thinking": "Hm.", "reasoning_content": ""},
        HELLO | {"content": "<think>\nHm.\n</think>\n\nHello"},
        HELLO | {"content": "<think>Hm.</think>Hello", "reasoning_content": "Hm."},
    ],
)
def test_reasoning_in_a_key_and_in_the_content_are_one(item: Any) -> None:
    assert read(item) == Turn("assistant", "Hello", "Hm.")


def test_an_empty_block_of_reasoning_is_not_none() -> None:
    assert read(HELLO | {"content": "<think>\n\n</think>\n\nHello"}).reasoning == ""
    assert read(HELLO).reasoning is None


def test_an_empty_key_of_reasoning_is_none() -> None:
    for key in ("reasoning_content", "reasoning", "thinking"):
        assert read(HELLO | {key: ""}) == read(HELLO)
    shown = HELLO | {"content": "<think>Hm.</think>Hello", "reasoning_content": ""}
    assert read(shown).reasoning == "Hm."


def test_the_marks_of_others_are_text() -> None:
    text = "<think>Hm.</think>Hi"
    assert read(HI | {"content": text}) == Turn("user", text)


@pytest.mark.parametrize(
    "item",
    [
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"from": "function_call", "value": '{"name": "f", "arguments": {}}'},
        {"role": "tool_call", "content": '{"name": "f", "arguments": {}}'},
    ],
)
def test_a_call_in_all_forms(item: Any) -> None:
    assert read(item) == Turn("assistant", None, tool_calls=(CALL,))


def test_a_result_names_its_call() -> None:
    turn = read({"role": "tool", "content": "1", "tool_call_id": 7, "name": "f"})
    assert turn == Turn("tool", "1", tool_call_id="7", name="f")


@pytest.mark.parametrize(
    ("keys", "in_loss"),
    [
        ({"weight": 0}, False),
        ({"weight": 0.0}, False),
        ({"weight": 1}, None),  # what every turn has
        ({"trainable": False}, False),
        ({"train": True}, True),
        ({"training": False, "weight": 0}, False),
        ({"loss": None}, None),
    ],
)
def test_a_turn_says_whether_it_counts(keys: dict[str, Any], in_loss: bool | None) -> None:
    assert read(HELLO | keys).in_loss is in_loss


def test_other_turns_never_count() -> None:
    assert read(HI | {"weight": 1}).in_loss is None
    assert read(HI | {"train": False}).in_loss is None


@pytest.mark.parametrize(
    ("item", "reason", "detail"),
    [
        ("Hi", "bad_messages", "turn 2 is a string, not an object with a role and a text"),
        (["user", "Hi"], "bad_messages", "turn 2 is a list, not an object"),
        ({"content": "Hi"}, "bad_messages", "the role of turn 2 is null, not text"),
        (HI | {"content": 3}, "bad_messages", "the content of turn 2 is a number (3), not text"),
        (HI | {"content": [3]}, "bad_messages", "turn 2 is a number (3)"),
        (
            HI | {"content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            "unknown_part",
            "turn 2 has a part of the type 'image_url'; only text is known",
        ),
        (HI | {"content": {"a": 1}}, "unknown_part", "turn 2 has a part without a type"),
        (HI | {"content": [{"type": "text"}]}, "bad_messages", "turn 2 has a text part whose text"),
        (
            HI | {"content": [{"text": "Hi", "cache": 1}]},
            "unknown_turn_key",
            "turn 2 has a part with the key 'cache', which nothing reads",
        ),
        (
            HI | {"timestamp": 0},
            "unknown_turn_key",
            "turn 2, of user, has the key 'timestamp', which nothing reads",
        ),
        (HI | {"value": "Ho"}, "unknown_turn_key", "turn 2, of user, has the key 'value'"),
        (HI | {"reasoning": "Hm."}, "unknown_turn_key", "turn 2, of user, has the key 'reasoning'"),
        (HI | {"tool_calls": [CALL]}, "unknown_turn_key", "turn 2, of user, has the key 'tool_c"),
        (HELLO | {"tool_call_id": "a"}, "unknown_turn_key", "turn 2, of assistant, has the key"),
        (HELLO | {"refusal": "No."}, "unknown_turn_key", "turn 2, of assistant, has the key"),
        (HELLO | {"weight": 0.5}, "bad_weight", "'weight' of turn 2 is 0.5; a turn counts (1) or"),
        (HELLO | {"train": "yes"}, "bad_weight", "'train' of turn 2 is 'yes'; a turn counts"),
        (HELLO | {"train": True, "weight": 0}, "bad_weight", "turn 2 is to count and not to"),
        (HI | {"train": True}, "bad_weight", "'train' is set on turn 2, of user; only the"),
        (HELLO | {"reasoning": {}}, "bad_reasoning", "'reasoning' of turn 2 is an object, not"),
        (HELLO | {"reasoning": "a", "thinking": "b"}, "bad_reasoning", "turn 2 has two different"),
        (HI | {"name": ["x"]}, "bad_messages", "'name' of turn 2 is a list, not text"),
    ],
)
def test_other_turns_are_faults(item: Any, reason: str, detail: str) -> None:
    with pytest.raises(ConversationFault) as fault:
        read(item)
    assert (fault.value.reason, fault.value.detail[: len(detail)]) == (reason, detail)


def test_a_key_can_be_left_out_on_request() -> None:
    assert read(HI | {"timestamp": 0}, ignored=frozenset({"timestamp"})) == Turn("user", "Hi")
