"""Checks of conversations: calls that no tool answers to, and answers that say nothing.

What makes a conversation unusable is a fault (`reading.conversations.order`); these are suspicions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import to_flags
from sftdata.base.conversation import ASSISTANT, Conversation
from sftdata.base.escaping import escape
from sftdata.errors import did_you_mean
from sftdata.reading.screening.checks import Suspect
from sftdata.reading.screening.tool_arguments import find_argument_fault
from sftdata.spec.check_rules import CONVERSATION_CHECKS, CheckRule

_FLAG = CheckRule(action="flag")
# A row without these keys needs no check. Texts escape their quotation marks: only keys match.
_WORTH_A_LOOK = '"(?:tool_calls|reasoning)":'
_LONGEST = 160  # characters of a detail


def find_conversation_suspects(
    column: pa.LargeStringArray, rules: Mapping[str, CheckRule]
) -> Iterator[Suspect]:
    """The suspects in a column of canonical JSON; flagged, unless a rule says otherwise."""
    for row in np.flatnonzero(to_flags(pc.match_substring_regex(column, _WORTH_A_LOOK))).tolist():
        conversation = Conversation.from_json(column[row].as_py())
        for name in CONVERSATION_CHECKS:
            detail = next(_CHECKS[name](conversation), None)
            if detail is not None:
                short = detail if len(detail) <= _LONGEST else f"{detail[: _LONGEST - 1]}…"
                yield Suspect(row, name, rules.get(name, _FLAG).action, short)


def _unknown_tool(conversation: Conversation) -> Iterator[str]:
    if conversation.tools is None:
        return  # nothing says which tools there are
    known = [tool["function"]["name"] for tool in conversation.tools]
    for number, name, _ in _calls(conversation):
        if name not in known:
            yield (
                f"turn {number} calls '{escape(name)}', which is not one of the row's tools. "
                f"{did_you_mean(name, known)}"
            )


def _tool_arguments(conversation: Conversation) -> Iterator[str]:
    tools = {tool["function"]["name"]: tool["function"] for tool in conversation.tools or ()}
    for number, name, arguments in _calls(conversation):
        fault = find_argument_fault(arguments, tools.get(name, {}).get("parameters"))
        if fault is not None:
            yield f"the arguments of '{escape(name)}' in turn {number} {fault}"


def _only_reasoning(conversation: Conversation) -> Iterator[str]:
    for number, turn in enumerate(conversation.turns, 1):
        says_nothing = not turn.text.strip() and not turn.tool_calls
        if turn.role == ASSISTANT and turn.reasoning and says_nothing:
            yield f"turn {number} is a reasoning without an answer or a call"


def _calls(conversation: Conversation) -> Iterator[tuple[int, str, object]]:
    """Number of the turn, name and arguments of each call."""
    for number, turn in enumerate(conversation.turns, 1):
        for call in turn.tool_calls:
            yield number, call["function"]["name"], call["function"]["arguments"]


_CHECKS: Mapping[str, Callable[[Conversation], Iterator[str]]] = {
    "unknown_tool": _unknown_tool,
    "tool_arguments": _tool_arguments,
    "only_reasoning": _only_reasoning,
}
