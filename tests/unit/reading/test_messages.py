"""Messages: the turns of a plain conversation come back from its text."""

from __future__ import annotations

from sftdata.base.conversation import Conversation, Turn
from sftdata.reading.messages import parse_messages


def test_plain_turns_come_back() -> None:
    talk = Conversation((Turn("user", "Hi"), Turn("assistant", "Hello")))
    assert parse_messages(talk.to_json()) == [("user", "Hi"), ("assistant", "Hello")]
