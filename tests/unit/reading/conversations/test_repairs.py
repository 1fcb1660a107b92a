"""Repairs: each does what its name says, once asked, and tells it."""

from __future__ import annotations

import pytest

from sftdata.base.conversation import Turn
from sftdata.reading.conversations.repairs import Repairs

CALL = {"type": "function", "function": {"name": "f", "arguments": {}}}
SYSTEM, USER, ANSWER = Turn("system", "s"), Turn("user", "u"), Turn("assistant", "a")


def test_nothing_is_repaired_unasked() -> None:
    turns = [ANSWER, USER, USER, ANSWER, USER]
    assert Repairs().apply(turns) == (turns, [])


def test_turns_after_the_last_answer_are_left_out() -> None:
    repairs = Repairs(drop_trailing_user=True)
    kept, done = repairs.apply([USER, ANSWER, USER, SYSTEM, USER])
    assert kept == [USER, ANSWER]
    assert done == [("cut", "trailing_user", "3 turns after the last answer left out")]
    assert repairs.apply([USER, ANSWER]) == ([USER, ANSWER], [])
    assert repairs.apply([USER]) == ([USER], [])  # nothing would be left: a fault, not a repair


def test_answers_before_the_first_user_are_left_out() -> None:
    repairs = Repairs(drop_leading_assistant=True)
    kept, done = repairs.apply([SYSTEM, ANSWER, USER, ANSWER])
    assert kept == [SYSTEM, USER, ANSWER]
    assert done == [("cut", "leading_assistant", "1 turn before the user's first left out")]
    assert repairs.apply([SYSTEM, ANSWER]) == ([SYSTEM, ANSWER], [])


def test_turns_of_one_speaker_are_joined() -> None:
    kept, done = Repairs(merge_same_role=True).apply([USER, USER, USER, ANSWER, ANSWER])
    assert kept == [Turn("user", "u\n\nu\n\nu"), Turn("assistant", "a\n\na")]
    assert done == [("flagged", "merged_turns", "5 turns became 2")]


def test_thought_answer_and_calls_are_joined_in_this_order() -> None:
    thought, call = Turn("assistant", None, "r"), Turn("assistant", None, tool_calls=(CALL,))
    kept, _ = Repairs(merge_same_role=True).apply([thought, ANSWER, call, call])
    assert kept == [Turn("assistant", "a", "r", (CALL, CALL))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Turn("assistant", None, tool_calls=(CALL,)), ANSWER),
        (ANSWER, Turn("assistant", "a", "r")),
        (Turn("user", "u", name="x"), USER),
        (Turn("assistant", "a", in_loss=False), ANSWER),
        (Turn("user", [{"type": "text", "text": "u"}]), USER),
        (SYSTEM, SYSTEM),
        (USER, ANSWER),
    ],
)
def test_turns_that_would_say_something_else_are_not_joined(first: Turn, second: Turn) -> None:
    assert Repairs(merge_same_role=True).apply([first, second]) == ([first, second], [])
