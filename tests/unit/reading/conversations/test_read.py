"""Read conversations: values of a row in, the text of its golden rows out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.base.conversation import Conversation
from sftdata.reading.conversations.read import ConversationReader, ReadConversation
from sftdata.reading.conversations.repairs import Repairs
from sftdata.spec.paths import MISSING

SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
TEXT = '[["user","Hi"],["assistant","Hello"]]'
KIND = '[["system","Be kind."],["user","Hi"],["assistant","Hello"]]'
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def read(
    reader: ConversationReader = ConversationReader(),  # noqa: B008 - it is frozen
    **values: Any,
) -> list[ReadConversation]:
    found = {
        name: value if isinstance(value, tuple) else (value,) for name, value in values.items()
    }
    return list(reader.read(found, null_filled=False))


def text_of(**values: Any) -> str:
    (row,) = read(**values)
    assert row.fault is None
    assert row.text is not None
    return row.text


def fault_of(**values: Any) -> tuple[str, str] | None:
    (row,) = read(**values)
    assert not row.text
    return row.fault


# --- where the turns come from -----------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        [USER, ANSWER],
        [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
        [{"from": "Human", "value": "Hi"}, {"role": "model", "content": "Hello", "name": None}],
        json.dumps([USER, ANSWER]),
        {"role": ["user", "assistant"], "content": ["Hi", "Hello"]},
    ],
)
def test_all_forms_have_one_text(messages: Any) -> None:
    assert text_of(messages=messages) == TEXT


def test_the_first_column_that_holds_something_counts() -> None:
    assert text_of(messages=(None, "", [], [USER, ANSWER])) == TEXT
    assert text_of(messages=(MISSING, [USER, ANSWER], [SYSTEM, USER, ANSWER])) == TEXT


def test_a_prompt_is_never_taught_and_a_completion_is() -> None:
    talk = Conversation.from_json(
        text_of(prompt=[USER, ANSWER, USER], completion=[ANSWER], messages=None)
    )
    assert [turn.in_loss for turn in talk.turns] == [None, False, None, None]
    assert text_of(prompt=[USER], completion=[ANSWER]) == TEXT


def test_a_prompt_beside_messages_is_not_needed() -> None:
    assert text_of(messages=[USER, ANSWER], prompt="Hi", completion=None) == TEXT


def test_a_row_has_messages_or_a_completion() -> None:
    detail = "the row has messages and a completion; which one is meant cannot be known"
    assert fault_of(messages=[USER, ANSWER], completion=[ANSWER]) == ("bad_messages", detail)
    assert fault_of(prompt="Hi", completion="Hello") == (
        "bad_messages",
        "'prompt' is text that is not a JSON list of turns: Expecting value: line 1 column 1 "
        "(char 0)",
    )


# --- what stands beside them -------------------------------------------------------------------


def test_the_system_column_becomes_the_first_turn() -> None:
    assert text_of(messages=[USER, ANSWER], system="Be kind.") == KIND
    assert text_of(messages=[SYSTEM, USER, ANSWER], system="Be kind.") == KIND
    assert text_of(messages=[USER, ANSWER], system=" ") == TEXT


def test_two_system_texts_are_a_fault() -> None:
    reason, _ = fault_of(messages=[SYSTEM, USER, ANSWER], system="Be brief.") or ("", "")
    assert reason == "two_systems"
    assert fault_of(messages=[USER, ANSWER], system=["Be kind."]) == (
        "wrong_type",
        "'system' is a list, not text",
    )


def test_tools_and_documents_are_a_part_of_the_text() -> None:
    documents = [{"text": "It is late."}]
    text = text_of(messages=[USER, ANSWER], tools=json.dumps([TOOL]), documents=documents)
    assert text == (
        '{"turns":[["user","Hi"],["assistant","Hello"]],"tools":[{"type":"function","function":'
        '{"name":"f","parameters":{}}}],"documents":[{"text":"It is late."}]}'
    )
    assert text_of(messages=[USER, ANSWER], tools="[]", documents=[]) == TEXT


# --- what cannot be used -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        (None, None),  # the row has no value: a missing field
        ("", None),
        ([], ("no_turns", "'messages' has no turns")),
        ("[]", ("no_turns", "'messages' has no turns")),
        ([USER], ("no_last_answer", "the last turn is the user's, not the assistant's")),
        (
            [USER, 3],
            ("bad_messages", "turn 2 is a number (3), not an object with a role and a text"),
        ),
        (
            [USER, ANSWER | {"content": "\ud800"}],
            ("lone_surrogate", "a turn holds a lone surrogate, which no tokenizer can encode"),
        ),
        (
            [USER, ANSWER | {"weight": 0}],
            ("nothing_taught", "no turn of the assistant is to count"),
        ),
    ],
)
def test_an_unusable_conversation_has_a_reason(messages: Any, fault: Any) -> None:
    assert fault_of(messages=messages) == fault


def test_arguments_that_are_nested_too_deeply_are_a_fault() -> None:
    arguments: dict[str, Any] = {}
    for _ in range(5000):
        arguments = {"a": arguments}
    call = {"name": "f", "arguments": arguments}
    reason, _ = fault_of(messages=[USER, ANSWER | {"tool_calls": [call]}]) or ("", "")
    assert reason == "bad_tool_call"


@pytest.mark.parametrize("depth", [101, 300, 930, 5000])
@pytest.mark.parametrize("as_text", [True, False])
def test_tools_that_are_nested_too_deeply_are_a_fault(depth: int, as_text: bool) -> None:
    parameters: Any = []
    for _ in range(depth - 1):
        parameters = [parameters]
    text = '[{"name": "f", "parameters": ' + "[" * depth + "]" * depth + "}]"
    tools = text if as_text else [{"name": "f", "parameters": parameters}]
    reason, detail = fault_of(messages=[USER, ANSWER], tools=tools) or ("", "")
    assert reason == "bad_tools"
    assert "nested in more than 100 levels" in detail


# --- repairs and unrolled conversations --------------------------------------------------------


def test_repairs_come_before_the_order_is_looked_at() -> None:
    reader = ConversationReader(Repairs(drop_trailing_user=True))
    (row,) = read(reader, messages=[USER, ANSWER, USER])
    assert row.text == TEXT
    assert row.repairs == (("cut", "trailing_user", "1 turn after the last answer left out"),)


def test_each_taught_turn_becomes_a_row_that_ends_with_it() -> None:
    talk = [USER, ANSWER, USER, ANSWER | {"weight": 0}, USER, ANSWER]
    rows = read(ConversationReader(unroll=True), messages=talk)
    assert [row.turn for row in rows] == [2, 6]
    assert rows[0].text == TEXT
    turns = Conversation.from_json(rows[1].text or "").turns
    assert [turn.in_loss for turn in turns] == [None, False, None, False, None, None]
    (last,) = read(ConversationReader(unroll=True, all_turns=False), messages=talk)
    assert (last.turn, last.text) == (6, rows[1].text)


def test_a_call_after_a_text_is_a_part_of_the_same_turn() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    result = {"role": "tool", "content": "2"}
    openai = [USER, ANSWER | {"tool_calls": [call, call]}, result, result, ANSWER]
    sharegpt = [
        {"from": "human", "value": "Hi"},
        {"from": "gpt", "value": "Hello"},
        {"from": "function_call", "value": json.dumps(call)},
        {"from": "function_call", "value": json.dumps(call)},
        {"from": "observation", "value": "2"},
        {"from": "observation", "value": "2"},
        {"from": "gpt", "value": "Hello"},
    ]
    assert text_of(messages=openai) == text_of(messages=sharegpt)


# --- properties --------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "developer"])
TALKS = st.lists(st.tuples(ROLES, WORDS | st.sampled_from(["<think>a</think>b", "</think>"])))
NAMES = {"user": "human", "assistant": "gpt", "tool": "observation"}


@given(TALKS)
def test_both_spellings_say_the_same(talk: list[tuple[str, str]]) -> None:
    openai = [{"role": role, "content": text} for role, text in talk]
    sharegpt = [{"from": NAMES.get(role, role), "value": text} for role, text in talk]
    assert read(messages=openai) == read(messages=sharegpt)


@given(TALKS)
def test_the_fast_way_gives_what_the_general_one_gives(talk: list[tuple[str, str]]) -> None:
    fast = [{"role": role, "content": text} for role, text in talk]
    general = [turn | {"name": "", "weight": None} for turn in fast]  # too much for the fast way
    assert read(messages=fast) == read(messages=general)


@given(TALKS)
def test_what_is_read_comes_back_as_it_is(talk: list[tuple[str, str]]) -> None:
    (row,) = read(messages=[{"role": role, "content": text} for role, text in talk])
    if row.text:
        again = Conversation.from_json(row.text)
        assert again.to_json() == row.text
        assert text_of(messages=again.to_messages()) == row.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["role", "from", "content", "value", "tool_calls", "tool_call_id", "name", "weight", "thinking"]
)
VALUES = JSON | ROLES | st.sampled_from(["function_call", '{"name": "f"}'])


@given(
    st.lists(st.dictionaries(KEYS, VALUES, max_size=4) | JSON) | JSON,
    st.booleans(),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("tools", "system", "completion"), JSON)),
)
def test_any_value_is_a_text_or_a_fault(value: Any, filled: bool, beside: dict[str, Any]) -> None:
    values = {name: (one,) for name, one in (beside | {"messages": value}).items()}
    (row,) = ConversationReader().read(values, null_filled=filled)
    if row.text:
        assert Conversation.from_json(row.text).to_json() == row.text
    elif row.fault is None:
        assert row.text is None
    else:
        assert all(row.fault)
