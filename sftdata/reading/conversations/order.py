"""The order of turns: who may speak when. What is left open is for the chat template to refuse."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.base.conversation import ASSISTANT, DEVELOPER, SYSTEM, TOOL, USER, Turn
from sftdata.base.reasons import Reason
from sftdata.reading.conversations.faults import ConversationFault

CALL_IN_TEXT = "<tool_call>"  # Hermes and others write calls into the content


def check_order(turns: Sequence[Turn]) -> None:
    """Raises `ConversationFault` for a conversation whose order cannot be learned from.

    A user comes first and the assistant last, neither speaks twice in a row, and each result of
    a tool follows its call. System turns may stand anywhere.
    """
    if not turns:
        raise ConversationFault(Reason.NO_TURNS, "'messages' has no turns")
    if all(turn.role in (SYSTEM, DEVELOPER) for turn in turns):
        raise ConversationFault(Reason.ONLY_SYSTEM, "only the system speaks")
    before: Turn | None = None
    waiting: list[str | None] = []  # ids of the calls without a result
    has_user = False
    for number, turn in enumerate(turns, 1):
        _check_content(turn, number)
        if turn.role in (USER, ASSISTANT) and before is not None and turn.role == before.role:
            detail = f"turns {number - 1} and {number} are both the {turn.role}'s"
            raise ConversationFault(Reason.SAME_ROLE, detail)
        if turn.role == ASSISTANT:
            if not has_user:
                detail = f"turn {number} is the assistant's, before any user's"
                raise ConversationFault(Reason.ASSISTANT_FIRST, detail)
            waiting = [call.get("id") for call in turn.tool_calls]
            waiting += [None] * turn.text.count(CALL_IN_TEXT)
        elif turn.role == TOOL:
            _answer_call(turn, number, before, waiting)
        has_user = has_user or turn.role == USER
        before = turn
    if turns[-1].role != ASSISTANT:
        detail = f"the last turn is the {turns[-1].role}'s, not the assistant's"
        raise ConversationFault(Reason.NO_LAST_ANSWER, detail)


def _check_content(turn: Turn, number: int) -> None:
    if turn.role in (SYSTEM, DEVELOPER) or not _is_blank(turn):
        return
    if turn.role == TOOL and turn.content is not None:
        return  # a tool may have nothing to say
    if turn.role != ASSISTANT or not (turn.tool_calls or turn.reasoning):
        raise ConversationFault(Reason.EMPTY_TURN, f"turn {number}, of {turn.role}, is empty")


def _is_blank(turn: Turn) -> bool:
    return not turn.text or turn.text.isspace()


def _answer_call(turn: Turn, number: int, before: Turn | None, waiting: list[str | None]) -> None:
    """Removes the call that a tool's turn answers from the waiting calls."""
    if before is None or before.role not in (ASSISTANT, TOOL) or not waiting:
        detail = f"turn {number} is the result of a tool, and no call waits for one"
        raise ConversationFault(Reason.TOOL_WITHOUT_CALL, detail)
    known = [one for one in waiting if one is not None]
    if turn.tool_call_id is None or not known:
        waiting.pop(0)
    elif turn.tool_call_id in known:
        waiting.remove(turn.tool_call_id)
    else:
        detail = f"turn {number} answers the call '{turn.tool_call_id}', and no such call waits"
        raise ConversationFault(Reason.TOOL_WITHOUT_CALL, detail)
