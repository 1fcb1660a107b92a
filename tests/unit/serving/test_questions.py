"""Questions in all forms: turns, turns a line, a row; what is wrong with others is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftdata.errors import GoldenSetError
from sftdata.serving.conversation import Question
from sftdata.serving.questions import leave_out_answer, read_json, read_question

ASKED, ANSWERED = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}
TOOL = {"name": "weather"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps([ASKED]), Question([ASKED])),
        (json.dumps(ASKED) + "\n" + json.dumps(ASKED), Question([ASKED, ASKED])),
        (json.dumps({"conversations": [ASKED], "functions": TOOL}), Question([ASKED], [TOOL])),
        (json.dumps([{"messages": [ASKED], "system": "S"}]), Question([ASKED], system="S")),
        (json.dumps({"messages": json.dumps([ASKED])}), Question([ASKED])),
        (json.dumps({"prompt": [ANSWERED]}), Question([ANSWERED | {"weight": 0}])),
    ],
)
def test_every_form_is_read(text: str, expected: Question) -> None:
    Path("talk.json").write_text(text, encoding="utf-8")
    assert read_question(read_json("talk.json", "--messages"), "talk.json").question == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"role": "user",', "talk.json: not JSON"),
        ('{"role": "user", "content": "x"}\n{"role"', "talk.json:2: not JSON"),
        ("[1]", "a number"),
        ('{"text": "x"}', "no list of turns; its keys: text"),
        ('{"messages": []}\n{"messages": []}', "2 conversations"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    Path("talk.json").write_text(text, encoding="utf-8")
    with pytest.raises(GoldenSetError, match=told):
        read_question(read_json("talk.json", "--messages"), "talk.json")


def test_a_row_leaves_out_its_answer_and_names_what_is_not_read() -> None:
    found = read_question({"id": "a", "messages": [ASKED, ANSWERED], "source": "web"}, "row")
    assert found.notes == ("row: not read: source.",)
    assert leave_out_answer(found.question) == (Question([ASKED]), 1)


@pytest.mark.parametrize("wrong", [None, 3, "x", [1]])
def test_what_is_no_turn_in_a_list_of_turns_is_named(wrong: object) -> None:
    with pytest.raises(GoldenSetError, match=r"^here: .* stands where a turn is expected"):
        read_question([{"role": "user", "content": "Q"}, wrong], "here")
