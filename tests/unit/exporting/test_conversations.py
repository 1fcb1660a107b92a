"""Conversations as JSON lines: every key of a turn is where a build reads it."""

from __future__ import annotations

import json
from pathlib import Path

from sftdata.base.conversation import Conversation, Turn
from sftdata.exporting.conversations import write_conversations
from sftdata.loading.conversations import ConversationRow

TOOLS = [{"type": "function", "function": {"name": "look"}}]


def call(arguments: object) -> dict[str, object]:
    return {"id": "c1", "type": "function", "function": {"name": "look", "arguments": arguments}}


def test_a_line_has_tools_calls_reasoning_and_what_is_not_in_the_loss(out: Path) -> None:
    turns = (
        Turn("user", "Où ?"),
        Turn("assistant", None, reasoning="Look.", tool_calls=(call({"at": "é"}),)),
        Turn("tool", "Here.", tool_call_id="c1", name="look"),
        Turn("assistant", [{"type": "text", "text": "Here."}]),
    )
    row = ConversationRow("train", "a", Conversation(turns, TOOLS), frozenset({3}))
    write_conversations([row], ["train"], out)
    assert json.loads((out / "train.jsonl").read_text("utf-8")) == {
        "id": "a",
        "messages": [
            {"role": "user", "content": "Où ?"},
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "Look.",
                "tool_calls": [call('{"at":"é"}')],
                "weight": 0,
            },
            {"role": "tool", "content": "Here.", "tool_call_id": "c1", "name": "look"},
            {"role": "assistant", "content": [{"type": "text", "text": "Here."}]},
        ],
        "tools": TOOLS,
    }


def test_each_row_is_in_the_file_of_its_split(out: Path) -> None:
    talk = Conversation((Turn("user", "Hi"), Turn("assistant", "Ho")))
    rows = [ConversationRow(split, split, talk, frozenset({1})) for split in ("train", "test")]
    write_conversations(rows, ["train", "test"], out)
    assert [json.loads((out / f"{n}.jsonl").read_text())["id"] for n in ("train", "test")] == [
        "train", "test",
    ]  # fmt: skip


def test_arguments_that_are_no_json_stay_as_they_are(out: Path) -> None:
    turns = (Turn("user", "Hi"), Turn("assistant", None, tool_calls=(call("{oops"),)))
    row = ConversationRow("train", "a", Conversation(turns), frozenset({1}))
    write_conversations([row], ["train"], out)
    (_, answer) = json.loads((out / "train.jsonl").read_text())["messages"]
    assert answer["tool_calls"] == [call("{oops")]
