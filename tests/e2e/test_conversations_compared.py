"""Conversations are compared by what their turns say: evaluation files, duplicates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftdata import build
from sftdata.errors import SftdataError
from sftdata.writing.ledger import read_ledger

QUESTION = "Which of the two bridges over the river was built before the harbour was?"
ANSWER = "The stone bridge was built in 1702, long before the harbour."


def talk(question: str, answer: str = ANSWER, **turn: Any) -> dict[str, Any]:
    user = {"role": "user", "content": question}
    return {"messages": [user, {"role": "assistant", "content": answer} | turn]}


def write(name: str, rows: list[dict[str, Any]]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def dropped(rows: list[dict[str, Any]], **options: Any) -> tuple[dict[str, int], list[str]]:
    """The reasons of the rows that go, with their counts, and what is reported."""
    notes: list[str] = []
    data = write("talks.jsonl", rows)
    outcome = build("chat", data=data, out="out", report=notes.append, **options)
    assert len(read_ledger(outcome.manifest)) == sum(outcome.manifest["dropped"].values())
    return outcome.manifest["dropped"], notes


@pytest.mark.parametrize(
    "evaluation",
    [{"text": QUESTION}, talk(QUESTION, "Another answer."), {"n": 1, "question": QUESTION}],
    ids=["a text", "a conversation", "some column"],
)
def test_a_question_of_an_evaluation_file_is_found(evaluation: dict[str, Any]) -> None:
    rows = [talk(QUESTION), talk("How deep is the lake behind the mill, and is it safe to swim?")]
    against = [write("evaluation.jsonl", [evaluation])]
    assert dropped(rows, against=against)[0] == {"contaminated": 1}


def test_an_evaluation_row_that_cannot_be_read_is_named() -> None:
    against = [write("evaluation.jsonl", [talk(QUESTION), {"messages": 5}])]
    reasons, notes = dropped([talk(QUESTION), talk("Hi")], against=against)
    assert reasons == {"contaminated": 1}
    assert any("1 row of this evaluation file cannot be compared" in note for note in notes)


def test_an_evaluation_file_without_a_text_is_an_error() -> None:
    against = [write("evaluation.jsonl", [{"n": 1}])]
    with pytest.raises(SftdataError, match="neither conversations nor a column of text"):
        dropped([talk(QUESTION)], against=against)


def test_near_duplicates_are_found_by_what_is_said() -> None:
    rows = [
        talk(QUESTION),
        talk(QUESTION.replace("harbour", "port")),
        talk("How deep is the lake?"),
    ]
    assert dropped(rows, near_duplicates=0.6)[0] == {"near_duplicate": 1}


def test_loose_duplicates_ignore_white_space_and_case_inside_the_turns() -> None:
    rows = [talk(QUESTION), talk(f"  {QUESTION.upper()}\n".replace(" ", "\n")), talk("c:\\new")]
    assert dropped(rows)[0] == {}
    assert dropped(rows, duplicates="loose")[0] == {"duplicate": 1}
