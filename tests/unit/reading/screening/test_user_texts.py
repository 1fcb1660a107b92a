"""The texts of a conversation that are compared with evaluation files."""

from __future__ import annotations

from sftdata.base.conversation import Conversation, Turn
from sftdata.reading.screening.user_texts import user_texts

LONG = "Tell me everything you know about the old bridge."


def talk(*turns: tuple[str, str]) -> Conversation:
    return Conversation(tuple(Turn(role, content) for role, content in turns))


def test_each_long_turn_of_the_user_is_looked_up_and_no_answer() -> None:
    found = user_texts(talk(("user", LONG), ("assistant", LONG * 2), ("user", "Thanks!")))
    assert found == [LONG]


def test_short_turns_are_looked_up_together() -> None:
    found = user_texts(
        talk(("system", LONG), ("user", "Hi"), ("assistant", "Yes?"), ("user", "Bye"))
    )
    assert found == ["Hi\nBye"]
