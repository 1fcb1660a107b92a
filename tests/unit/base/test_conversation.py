"""Conversation: one text for each conversation, and messages as chat templates expect them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.base.conversation import ROLES, Conversation, Turn, wanted_turns

CALL = {"type": "function", "function": {"name": "add", "arguments": {"b": 1, "a": 2**70}}}


def test_plain_turns_are_pairs() -> None:
    talk = Conversation((Turn("user", "Hi"), Turn("assistant", "Hello\n")))
    assert talk.to_json() == '[["user","Hi"],["assistant","Hello\\n"]]'
    assert Conversation.from_json(talk.to_json()) == talk


def test_what_a_turn_lacks_is_left_out() -> None:
    turns = (
        Turn("assistant", None, "Let me add.", (CALL,), in_loss=False),
        Turn("tool", "3", tool_call_id="c1", name="add"),
    )
    talk = Conversation(turns, tools=[{"type": "function"}])
    assert talk.to_json() == (
        '{"turns":[{"role":"assistant","reasoning":"Let me add.","tool_calls":[{"type":"function",'
        '"function":{"name":"add","arguments":{"b":1,"a":1180591620717411303424}}}],'
        '"in_loss":false},{"role":"tool","content":"3","tool_call_id":"c1","name":"add"}],'
        '"tools":[{"type":"function"}]}'
    )
    assert Conversation.from_json(talk.to_json()) == talk
    assert talk.to_messages() == [
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Let me add.",
            "tool_calls": [CALL],
        },
        {"role": "tool", "content": "3", "tool_call_id": "c1", "name": "add"},
    ]


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        Conversation((Turn("user", "\ud800"),)).to_json()


def test_the_text_of_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert [Turn("user", c).text for c in (parts, "c", None)] == ["ab", "c", ""]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(TEXT, VALUES, max_size=3)
PARTS = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), max_size=2)
TURNS = st.builds(
    Turn,
    role=st.sampled_from(ROLES),
    content=TEXT | st.none() | PARTS,
    reasoning=TEXT | st.none(),
    tool_calls=st.lists(OBJECTS, max_size=2).map(tuple),
    tool_call_id=TEXT | st.none(),
    name=TEXT | st.none(),
    in_loss=st.none() | st.booleans(),
)


@given(
    st.builds(
        Conversation,
        turns=st.lists(TURNS, max_size=4).map(tuple),
        tools=st.none() | st.lists(OBJECTS, max_size=2),
        documents=st.none() | st.lists(OBJECTS, max_size=2),
    )
)
def test_any_conversation_comes_back_from_its_text(talk: Conversation) -> None:
    text = talk.to_json()
    assert Conversation.from_json(text) == talk
    assert Conversation.from_json(text).to_json() == text


def test_the_wanted_turns_are_the_answers_that_nothing_takes_out() -> None:
    talk = [
        Turn("user", "0"),
        Turn("assistant", "1"),
        Turn("user", "2"),
        Turn("assistant", "3", in_loss=False),
        Turn("user", "4"),
        Turn("assistant", "5", in_loss=True),
    ]
    assert wanted_turns(talk, all_turns=True) == [1, 5]
    assert wanted_turns(talk, all_turns=False) == [5]
    assert wanted_turns(talk[:4], all_turns=False) == [1]
    assert wanted_turns(talk[:1], all_turns=True) == []
