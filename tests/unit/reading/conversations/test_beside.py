"""Tools and documents beside the turns, in every form in which they are stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sftdata.reading.conversations.beside import read_documents, read_tools
from sftdata.reading.conversations.faults import ConversationFault

FUNCTION = {"name": "add", "description": None, "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": FUNCTION}


@pytest.mark.parametrize(
    "value",
    [
        [TOOL],
        TOOL,
        json.dumps([TOOL]),
        json.dumps(TOOL),
        [json.dumps(TOOL)],
        [FUNCTION],
        json.dumps([FUNCTION]),
        [{"function": FUNCTION}],
        [{"type": "function", **FUNCTION}],
    ],
)
def test_tools_are_functions_in_a_wrapper(value: Any) -> None:
    assert read_tools(value, null_filled=False) == [TOOL]


def test_only_the_nulls_of_a_table_go() -> None:
    short = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    assert read_tools([TOOL], null_filled=True) == [short]
    assert read_tools([json.dumps(TOOL)], null_filled=True) == [TOOL]


@pytest.mark.parametrize("value", [None, "", " ", "[]", []])
def test_none_is_none(value: Any) -> None:
    assert read_tools(value, null_filled=False) is None
    assert read_documents(value, null_filled=False) is None


def test_documents_are_objects() -> None:
    document = {"title": "A", "text": "B"}
    assert read_documents([document], null_filled=False) == [document]


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("add", "'tools' is text that is not JSON: "),
        (3, "'tools' is a number (3), not a list of objects"),
        ([3], "item 1 of 'tools' is a number (3), not an object"),
        ([TOOL, {"type": "web"}], "tool 2 of 'tools' is not a function with a name"),
        ([{"function": {}}], "tool 1 of 'tools' is not a function with a name"),
        ([{"name": float("nan")}], "'tools' cannot be read: nan is not a value of JSON"),
    ],
)
def test_other_values_are_faults(value: Any, detail: str) -> None:
    with pytest.raises(ConversationFault) as fault:
        read_tools(value, null_filled=False)
    assert fault.value.reason == "bad_tools"
    assert fault.value.detail.startswith(detail)
