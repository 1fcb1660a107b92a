"""Collect: source rows in, golden rows out, each with its place and its fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sftdata.base.reasons import Reason
from sftdata.errors import GoldenSetError
from sftdata.reading.collect import GROUP, ID, Parsed, collect
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.json.objects import JsonObject
from sftdata.reading.sources.resolve import Source

SOURCE = Source("a.jsonl", "jsonl", (Path("a.jsonl"),))


def read(columns: dict[str, str], *rows: dict[str, Any], null_filled: bool = False) -> Parsed:
    """The golden rows of source rows that stand on lines 1, 2, … of one chunk."""
    lines = range(1, len(rows) + 1)
    return collect(
        rows, [0] * len(rows), lines, columns, SOURCE, ConversationReader(), null_filled=null_filled
    )


def test_values_become_texts_and_say_what_they_were() -> None:
    found = read({"x": "a.b"}, {"a": {"b": "one"}}, {"a": {"b": 2}}, {"a": {}}, {"a": {"b": None}})
    assert found.columns["x"].to_pylist() == ["one", "2", None, None]
    assert found.as_text == {"x": {1: "a number (2)"}}
    assert found.line.tolist() == [1, 2, 3, 4]
    assert found.faults == {}


def test_a_table_knows_its_types_before_a_row_is_read() -> None:
    assert read({"x": "a"}, {"a": 2}, null_filled=True).as_text == {}


def test_what_is_no_text_is_a_fault_of_its_row() -> None:
    found = read({"x": "a"}, {"a": ["list"]}, {"a": "half \ud800"}, {"a": "text"})
    assert found.faults == {
        0: (Reason.WRONG_TYPE, "'x' is a list, not text"),
        1: (Reason.LONE_SURROGATE, "'x' holds a lone surrogate (U+D800)"),
    }
    assert found.columns["x"].to_pylist() == ["", "half ?", "text"]


def test_a_path_through_a_list_makes_rows_of_one_group_and_one_line() -> None:
    row = {"id": 7, "qas": [{"q": "one"}, {"q": "two"}]}
    found = read({ID: "id", "x": "qas[].q"}, row, {"id": 8, "qas": [{"q": "three"}]})
    assert found.columns["x"].to_pylist() == ["one", "two", "three"]
    assert found.line.tolist() == [1, 1, 2]
    assert found.columns[ID].to_pylist() == ["7#0", "7#1", "8#0"]
    first, second, third = found.columns[GROUP].to_pylist()
    assert first == second != third


def test_a_repeated_key_is_an_error_where_it_is_read() -> None:
    row = JsonObject.from_pairs([("a", "1"), ("b", "2"), ("a", "3")])
    assert read({"x": "b"}, row).columns["x"].to_pylist() == ["2"]
    with pytest.raises(GoldenSetError, match=r"a\.jsonl:1: the key 'a' stands"):
        read({"x": "a"}, row)
