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


def test_what_a_trainer_may_not_read_is_counted(out: Path) -> None:
    talk = (Turn("user", "Hi"), Turn("assistant", "Ho"), Turn("user", "?"), Turn("assistant", "A"))
    thought = (Turn("user", "Hi"), Turn("assistant", "Ho", reasoning="Hm"))
    rows = [
        ConversationRow("train", "a", Conversation(talk), frozenset({1, 3})),
        ConversationRow("train", "b", Conversation(talk), frozenset({3})),
        ConversationRow("train", "c", Conversation(thought, TOOLS), frozenset({1})),
    ]
    assert write_conversations(rows[:1], ["train"], out).note is None
    note = write_conversations(rows, ["train"], out).note
    assert note is not None
    assert note.startswith(
        "Of 3 rows, 1 have answers that are not in the loss (`weight: 0`), 1 have reasoning "
        "(`reasoning_content`), 1 have tools or calls (`tools`, `tool_calls`)."
    )
    assert "trains on answers with `weight: 0`" in note
    all_taught = write_conversations(rows[2:], ["train"], out).note
    assert all_taught is not None
    assert "weight" not in all_taught
