"""Conversations as people store them: what is read of each file, and why a row is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata import build
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.rows import Rows
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.writing.ledger import read_ledger

# Files of which every row is read: how many there are, and the text of the first.
READ = {
    "array_of_arrays.json": (4, '[["user","Hi 0"],["assistant","Yo 0"]]'),
    "indented_answers.jsonl": (
        6,
        '[["user","Complete the body of f0:\\n"],["assistant","    x = 0\\n    return x\\n"]]',
    ),
    "messages.parquet": (8, '[["user","Q0?"],["assistant","A0."]]'),
    "messages_both.parquet": (8, '[["user","Q0"],["assistant","A0"]]'),
    "messages_json_string.parquet": (8, '[["user","Q0?"],["assistant","A0."]]'),
    "messages_large.parquet": (8, '[["user","Q0?"],["assistant","A0."]]'),
    "messages_map.parquet": (8, '[["user","Q0?"],["assistant","A0."]]'),
    "messages_nulls.parquet": (8, '[["user","Q0?"],["assistant","A0."]]'),
    "messages_struct_of_lists.parquet": (8, '[["user","Q0?"],["assistant","A0."]]'),
    "multi_turn.jsonl": (
        8,
        '[["user","Hi 0"],["assistant","Hello."],["user","More"],["assistant","More 0."]]',
    ),
    "openai.jsonl": (8, '[["system","Be brief."],["user","Q0?"],["assistant","A0."]]'),
    "prompt_completion_conv.parquet": (8, '[["user","Q0?"],["assistant","A0."]]'),
    "sharegpt.json": (
        8,
        '[["user","Question 0?"],["assistant","Answer 0."],["user","And more?"],'
        '["assistant","More."]]',
    ),
    "sharegpt.jsonl": (
        8,
        '[["user","Question 0?"],["assistant","Answer 0."],["user","And more?"],'
        '["assistant","More."]]',
    ),
    "sharegpt_system_tools.jsonl": (
        8,
        '[["system","You are a pirate."],["user","Hi 0"],["assistant","Arr 0"]]',
    ),
}
# Files with rows that cannot be learned from: their lines and reasons. Other lines are in order.
FAULTS = {
    "odd_turns.jsonl": {
        2: "no_last_answer",
        3: "same_role",
        4: "same_role",
        5: "assistant_first",
        8: "empty_turn",
        9: "empty_turn",
        11: "only_system",
        12: "no_turns",
        13: "missing_field",
        16: "assistant_first",
        17: "bad_messages",
        19: "tool_without_call",
    },
    "sharegpt_roles.jsonl": {6: "assistant_first", 8: "tool_without_call", 11: "bad_messages"},
    "content_parts.jsonl": {},
    "reasoning_content.jsonl": {},
    "tool_calls.jsonl": {},
}
NOT_SHOWN = "not_shown"  # in order, but more than the engine can show


def read(path: Path, **options: Any) -> Rows:
    spec = load_spec(task="chat", data=(str(path),), **options)
    assert isinstance(spec, Spec)
    reader = row_reader(spec, tuple(resolve_sources(spec.data)))
    return reader.parse([chunk for chunks in read_source(reader, 0) for chunk in chunks])


@pytest.mark.real
@pytest.mark.parametrize("name", READ)
def test_every_form_of_a_conversation_is_read(name: str, shared: Path) -> None:
    rows = read(shared / "cases" / "conversations" / name)
    assert (rows.batch.num_rows, rows.batch["messages"][0].as_py()) == READ[name]
    assert rows.faults == []


@pytest.mark.real
@pytest.mark.parametrize("name", FAULTS)
def test_each_conversation_out_of_order_has_its_reason(name: str, shared: Path) -> None:
    rows = read(shared / "cases" / "conversations" / name)
    assert {f.line: f.reason for f in rows.faults if f.reason != NOT_SHOWN} == FAULTS[name]


@pytest.mark.real
def test_repairs_leave_less_to_fault(shared: Path) -> None:
    path = shared / "cases" / "conversations" / "odd_turns.jsonl"
    keys = ("drop_trailing_user", "drop_leading_assistant", "merge_same_role")
    rows = read(path, **dict.fromkeys(keys, True))
    left = {fault.line for fault in rows.faults if fault.reason != NOT_SHOWN}
    assert left == FAULTS[path.name].keys() - {2, 3, 4, 5}
    assert {r[1] for remarks in rows.remarks.values() for r in remarks} == {
        "trailing_user",
        "merged_turns",
        "leading_assistant",
    }


def test_a_repair_is_in_the_ledger() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Hm"},
    ]
    rows = [{"id": "whole", "messages": turns[:2]}, {"id": "cut", "messages": turns}]
    Path("talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("pipelines").mkdir()
    Path("pipelines", "talks.toml").write_text(
        'task = "talks"\ndata = ["../talks.jsonl"]\ntokenizer = "tokenizers/small"\nchat = true\n'
        'drop_trailing_user = true\nduplicates = "keep"\n'
        '[fields]\nid = "id"\nmessages = "messages"\n'
    )
    manifest = build("talks", out="out").manifest
    assert (manifest["rows_out"], manifest["cut"]) == (2, 1)
    (line,) = read_ledger(manifest).to_pylist()
    assert (line["row_id"], line["status"], line["reason"], line["detail"]) == (
        "cut",
        "cut",
        "trailing_user",
        "1 turn after the last answer left out",
    )
