"""Conversation: turns, tools and documents in one form, whatever form they were stored in.

`to_json` gives the text that stands in the column `messages` of a batch of rows. Equal
conversations have equal texts, so ids, digests and duplicates follow from the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

SYSTEM, DEVELOPER, USER, ASSISTANT, TOOL = "system", "developer", "user", "assistant", "tool"
ROLES = (SYSTEM, DEVELOPER, USER, ASSISTANT, TOOL)
TEMPLATE_LABEL = "messages"  # in the column `template`, of rows that are conversations

_TURN_KEYS = ("role", "content", "reasoning", "tool_calls", "tool_call_id", "name", "in_loss")
_LONG_NUMBER = re.compile(r"\d{19}")  # orjson reads such an integer as a float


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: str  # one of ROLES
    content: str | list[dict[str, Any]] | None = None  # text, or parts {"type": "text", "text": …}
    reasoning: str | None = None  # of the assistant, before its content; "" is an empty block
    # {"id"?, "type": "function", "function": {"name", "arguments": object, or text if no JSON}}
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_call_id: str | None = None  # of a tool's turn: the call it answers
    name: str | None = None
    in_loss: bool | None = None  # of the assistant; None: as the spec says

    @property
    def text(self) -> str:
        """The content as one text: its parts joined, "" where there is none."""
        if isinstance(self.content, list):
            return "".join(str(part.get("text", "")) for part in self.content)
        return self.content or ""

    @property
    def is_plain(self) -> bool:
        """Whether the turn is a role and a text and nothing else."""
        return (
            isinstance(self.content, str)
            and self.reasoning is None
            and not self.tool_calls
            and self.tool_call_id is None
            and self.name is None
            and self.in_loss is None
        )

    def to_message(self) -> dict[str, Any]:
        """The turn as chat templates expect it; keys without a value are left out."""
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.reasoning is not None:
            message["reasoning_content"] = self.reasoning
        if self.tool_calls:
            message["tool_calls"] = list(self.tool_calls)
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        if self.name is not None:
            message["name"] = self.name
        return message


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of a conversation, and what stands beside them."""

    turns: tuple[Turn, ...]
    tools: list[dict[str, Any]] | None = None  # {"type": "function", "function": {"name", …}}
    documents: list[dict[str, Any]] | None = None

    def to_json(self) -> str:
        """Compact JSON with a fixed order of keys and without nulls.

        A plain turn is `[role, content]`, another an object of its fields. A conversation without
        tools and documents is the list of its turns, another an object of its fields.
        Raises `UnicodeEncodeError` for a lone surrogate.
        """
        turns = [_to_item(turn) for turn in self.turns]
        if self.tools is None and self.documents is None:
            return dump_json(turns)
        fields = {"turns": turns, "tools": self.tools, "documents": self.documents}
        return dump_json({name: value for name, value in fields.items() if value is not None})

    @classmethod
    def from_json(cls, text: str) -> Conversation:
        """The conversation in the text that `to_json` made."""
        value = json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text)
        if isinstance(value, list):
            return cls(tuple(map(_from_item, value)))
        turns = tuple(map(_from_item, value["turns"]))
        return cls(turns, value.get("tools"), value.get("documents"))

    @property
    def texts(self) -> list[str]:
        """The texts of the turns, in order: reasoning, contents, and calls without their ids."""
        return [text for turn in self.turns for text in _texts_of(turn)]

    def to_messages(self) -> list[dict[str, Any]]:
        """The turns as chat templates expect them."""
        return [turn.to_message() for turn in self.turns]


def _texts_of(turn: Turn) -> Iterator[str]:
    yield from (text for text in (turn.reasoning, turn.text) if text)
    for call in turn.tool_calls:
        arguments = call["function"]["arguments"]
        yield call["function"]["name"]
        yield arguments if isinstance(arguments, str) else " ".join(leaves(arguments))


def leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in a JSON value, and the keys of its objects."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield json.dumps(value)


def dump_json(value: Any) -> str:
    """Compact JSON. Raises `UnicodeEncodeError` for a lone surrogate."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits, or a lone surrogate
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text.encode()
        return text


def _to_item(turn: Turn) -> list[Any] | dict[str, Any]:
    if turn.is_plain:
        return [turn.role, turn.content]
    values = ((key, getattr(turn, key)) for key in _TURN_KEYS)
    return {key: value for key, value in values if value is not None and value != ()}


def _from_item(item: list[Any] | Mapping[str, Any]) -> Turn:
    if isinstance(item, list):
        return Turn(*item)
    return Turn(**{**item, "tool_calls": tuple(item.get("tool_calls", ()))})


def wanted_turns(turns: Sequence[Turn], all_turns: bool) -> list[int]:
    """The assistant turns that are to be in the loss, by index: all of them or the last."""
    answers = [
        at for at, turn in enumerate(turns) if turn.role == ASSISTANT and turn.in_loss is not False
    ]
    return answers if all_turns else answers[-1:]
