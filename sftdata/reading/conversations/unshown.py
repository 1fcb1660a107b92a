"""What a chat template cannot be given yet."""

from __future__ import annotations

from sftdata.base.conversation import Conversation
from sftdata.base.reasons import Reason
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.roles import ASSISTANT, SYSTEM, USER


def refuse_unshown(conversation: Conversation) -> None:
    """Raises `ConversationFault` for anything but texts of system, user and assistant in turn."""
    expected = USER
    for number, turn in enumerate(conversation.turns, 1):
        if not turn.is_plain:
            raise _fault(f"turn {number}, of {turn.role}, is more than a role and a text")
        if number == 1 and turn.role == SYSTEM and turn.text.strip():
            continue
        if turn.role != expected:
            raise _fault(f"turn {number} is of {turn.role}, not {expected}")
        expected = USER if expected == ASSISTANT else ASSISTANT
    if conversation.tools is not None or conversation.documents is not None:
        raise _fault("tools and documents")


def _fault(what: str) -> ConversationFault:
    return ConversationFault(Reason.NOT_SHOWN, f"cannot be shown yet: {what}")
