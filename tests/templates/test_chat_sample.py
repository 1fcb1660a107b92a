"""The bundled conversations: varied, in order, and fit for the tokenizer they are shown with."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from itertools import combinations
from typing import Any

from sftdata.base.content import bundled_root
from sftdata.reading.conversations.calls import read_calls
from sftdata.reading.conversations.read import ConversationReader

SAMPLE = bundled_root() / "pipelines" / "samples" / "chat.jsonl"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()
]


def roles(row: dict[str, Any]) -> list[str]:
    return [turn["role"] for turn in row["messages"]]


def texts(row: dict[str, Any]) -> list[str]:
    return [turn["content"] for turn in row["messages"] if turn["content"] is not None]


def test_every_conversation_can_be_used() -> None:
    reader = ConversationReader()
    for row in ROWS:
        values = {name: [value] for name, value in row.items() if name != "id"}
        (read,) = reader.read(values, null_filled=False)
        assert read.fault is None or read.fault[0] == "not_shown", (row["id"], read.fault)


def test_there_are_enough_of_every_kind() -> None:
    assert len(ROWS) >= 48
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    several = [row for row in ROWS if roles(row).count("user") > 1]
    tools = [row for row in ROWS if "tools" in row]
    reasoning = [row for row in ROWS if any("reasoning_content" in t for t in row["messages"])]
    two_calls = [
        row for row in ROWS if any(len(t.get("tool_calls", ())) > 1 for t in row["messages"])
    ]
    indented = [row for row in ROWS if any("\n    " in text for text in texts(row))]
    system = [row for row in ROWS if roles(row)[0] in ("system", "developer")]
    for kind in (several, tools, reasoning, system):
        assert len(kind) >= 10
    assert len(indented) >= 8
    assert len(two_calls) >= 3


def test_every_text_is_clean() -> None:
    for row in ROWS:
        for text in texts(row):
            assert text.rstrip("\n") == text.rstrip() != "", row["id"]
            assert unicodedata.is_normalized("NFC", text), row["id"]
            assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text)


def test_calls_name_a_tool_that_is_there_and_give_what_it_requires() -> None:
    for row in ROWS:
        tools = {tool["function"]["name"]: tool["function"] for tool in row.get("tools", ())}
        for number, turn in enumerate(row["messages"], 1):
            calls = read_calls(turn.get("tool_calls", []), number, null_filled=False)
            for call in calls:
                function = call["function"]
                parameters = tools[function["name"]]["parameters"]
                assert set(parameters["required"]) <= function["arguments"].keys(), row["id"]
                assert function["arguments"].keys() <= parameters["properties"].keys(), row["id"]


def test_no_conversation_is_near_another_one() -> None:
    """No two share 3 in 10 of the 12-character pieces of what the user of the shorter asks."""
    pieces = {}
    for row in ROWS:
        text = " ".join(t["content"] for t in row["messages"] if t["role"] == "user").casefold()
        pieces[row["id"]] = {text[i : i + 12] for i in range(max(1, len(text) - 11))}
    near = [
        (a, b)
        for (a, left), (b, right) in combinations(pieces.items(), 2)
        if len(left & right) >= 0.3 * min(len(left), len(right))
    ]
    assert near == []


def test_there_are_five_languages_at_least() -> None:
    """By the scripts of the letters, and by words that only one language has."""
    marks = {"de": " ist ", "fr": " une ", "es": " la ", "en": " the ", "pt": " uma "}
    found = Counter[str]()
    for row in ROWS:
        text = " ".join(texts(row))
        found.update({unicodedata.name(char).split()[0] for char in text if char.isalpha()})
        found.update(language for language, mark in marks.items() if mark in text)
    assert all(found[language] for language in marks)
    assert {"HIRAGANA", "CJK", "CYRILLIC"} <= found.keys()
