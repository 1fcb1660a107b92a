"""What a chat template cannot be given yet is refused, never left out."""

from __future__ import annotations

import pytest

from sftdata.base.conversation import Conversation, Turn
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.unshown import refuse_unshown

SYSTEM, USER, ANSWER = Turn("system", "s"), Turn("user", "u"), Turn("assistant", "a")


def test_texts_in_turn_can_be_shown() -> None:
    refuse_unshown(Conversation((SYSTEM, USER, ANSWER, USER, ANSWER)))


@pytest.mark.parametrize(
    ("talk", "what"),
    [
        (Conversation((USER, ANSWER), tools=[{}]), "tools and documents"),
        (Conversation((USER, ANSWER), documents=[{}]), "tools and documents"),
        (
            Conversation((USER, Turn("assistant", "a", "r"))),
            "turn 2, of assistant, is more than a role and a text",
        ),
        (Conversation((USER, SYSTEM, ANSWER)), "turn 2 is of system, not assistant"),
        (Conversation((Turn("system", ""), USER, ANSWER)), "turn 1 is of system, not user"),
    ],
)
def test_the_rest_is_a_fault(talk: Conversation, what: str) -> None:
    with pytest.raises(ConversationFault, match=f"cannot be shown yet: {what}"):
        refuse_unshown(talk)
