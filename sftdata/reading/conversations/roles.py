"""Roles: the names that datasets use for speakers, and the role that each of them means."""

from __future__ import annotations

from typing import Any

from sftdata.base.conversation import ASSISTANT, DEVELOPER, SYSTEM, TOOL, USER
from sftdata.base.reasons import Reason
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.kinds import kind_of

CALL = "call"  # a turn that holds only the call of a tool, as JSON; it is the assistant's

_NAMES = {
    SYSTEM: ("system", "system_prompt"),
    DEVELOPER: ("developer",),
    USER: ("user", "human", "prompter"),
    ASSISTANT: ("assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot", "ai", "chatbot"),
    TOOL: (
        "tool", "tool_response", "tool_result", "tool_output", "observation", "function",
        "function_response", "function_result", "ipython",
    ),
    CALL: ("function_call", "tool_call"),
}  # fmt: skip
_ROLES = {name: role for role, names in _NAMES.items() for name in names}


def read_role(name: Any, number: int) -> str:
    """The role with this name, in any case. Raises `ConversationFault` for an unknown one."""
    if not isinstance(name, str):
        detail = f"the role of turn {number} is {kind_of(name)}, not text"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    role = _ROLES.get(name) or _ROLES.get(name.strip().lower().replace("-", "_").replace(" ", "_"))
    if role is None:
        detail = f"turn {number} has the role '{name}'; known: {', '.join(_ROLES)}"
        raise ConversationFault(Reason.UNKNOWN_ROLE, detail)
    return role
