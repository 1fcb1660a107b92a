"""The order of turns: what can be learned from, and the reason for each that cannot."""

from __future__ import annotations

import pytest

from sftdata.base.conversation import Turn
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.order import check_order

# One letter a turn: upper case has no visible text.
TURNS = {
    "s": Turn("system", "s"),
    "S": Turn("system", ""),
    "d": Turn("developer", "d"),
    "u": Turn("user", "u"),
    "U": Turn("user", " \n"),
    "a": Turn("assistant", "a"),
    "A": Turn("assistant", ""),
    "r": Turn("assistant", "", "reasoning alone"),
    "c": Turn("assistant", None, tool_calls=({"function": {"name": "f"}},)),
    "x": Turn("assistant", None, tool_calls=({"id": "1"}, {"id": "2"})),
    "h": Turn("assistant", "<tool_call>{}</tool_call>"),
    "t": Turn("tool", "t"),
    "T": Turn("tool", ""),
    "N": Turn("tool", None),
    "1": Turn("tool", "1", tool_call_id="1"),
    "2": Turn("tool", "2", tool_call_id="2"),
}


@pytest.mark.parametrize(
    "talk",
    ["ua", "uaua", "sua", "Sua", "dua", "ssua", "usa", "suasua", "ur", "uc", "ucta", "ucTa",
     "ux12a", "ux21a", "ux12x12a", "uxtta", "uc1a", "uhta", "uctuctaua", "ux1a"],
)  # fmt: skip
def test_these_can_be_learned_from(talk: str) -> None:
    check_order([TURNS[letter] for letter in talk])


@pytest.mark.parametrize(
    ("talk", "reason", "detail"),
    [
        ("", "no_turns", "'messages' has no turns"),
        ("s", "only_system", "only the system speaks"),
        ("sd", "only_system", "only the system speaks"),
        ("u", "no_last_answer", "the last turn is the user's, not the assistant's"),
        ("uau", "no_last_answer", "the last turn is the user's, not the assistant's"),
        ("uct", "no_last_answer", "the last turn is the tool's, not the assistant's"),
        ("uas", "no_last_answer", "the last turn is the system's, not the assistant's"),
        ("aua", "assistant_first", "turn 1 is the assistant's, before any user's"),
        ("sa", "assistant_first", "turn 2 is the assistant's, before any user's"),
        ("uua", "same_role", "turns 1 and 2 are both the user's"),
        ("uaa", "same_role", "turns 2 and 3 are both the assistant's"),
        ("uca", "same_role", "turns 2 and 3 are both the assistant's"),
        ("Ua", "empty_turn", "turn 1, of user, is empty"),
        ("uA", "empty_turn", "turn 2, of assistant, is empty"),
        ("ucNa", "empty_turn", "turn 3, of tool, is empty"),
        ("uta", "tool_without_call", "turn 2 is the result of a tool, and no call waits for one"),
        ("uata", "tool_without_call", "turn 3 is the result of a tool, and no call waits for one"),
        ("uctta", "tool_without_call", "turn 4 is the result of a tool, and no call waits"),
        ("uxuta", "tool_without_call", "turn 4 is the result of a tool, and no call waits"),
        ("ux11a", "tool_without_call", "turn 4 answers the call '1', and no such call waits"),
    ],
)
def test_these_cannot(talk: str, reason: str, detail: str) -> None:
    with pytest.raises(ConversationFault) as fault:
        check_order([TURNS[letter] for letter in talk])
    assert (fault.value.reason, fault.value.detail[: len(detail)]) == (reason, detail)
