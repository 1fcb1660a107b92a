"""Conversations: golden rows that are lists of turns rather than fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

Turn = tuple[str, str]  # role, content

# The keys and role names of the two ways conversations are commonly stored.
_KEYS = (("role", "content"), ("from", "value"))
_ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}


def canonical_messages(value: Any) -> tuple[str | None, str | None]:
    """The turns as JSON and None, or None and the problem.

    Turns are `{"role", "content"}` or `{"from", "value"}`. Only the first turn may be the
    system's. After it user and assistant alternate; the user is first, the assistant last.
    """
    if not isinstance(value, list) or not value:
        return None, "'messages' is not a list of turns"
    turns: list[Turn] = []
    for number, item in enumerate(value, 1):
        turn = _turn(item)
        if turn is None:
            return None, f"turn {number} is not an object with a role and a text"
        role, content = turn
        if role not in _ROLES:
            return None, f"turn {number} has the role '{role}'; known: {', '.join(_ROLES)}"
        turns.append((_ROLES[role], content))
    body = turns[1:] if turns[0][0] == "system" else turns
    for number, (role, _) in enumerate(body):
        expected = ("user", "assistant")[number % 2]
        if role != expected:
            return None, f"turn {len(turns) - len(body) + number + 1} is of {role}, not {expected}"
    if len(body) % 2 or not body:
        return None, "the last turn is not the assistant's"
    if any(not content.strip() for _, content in turns):
        return None, "a turn is empty"
    try:
        return orjson.dumps(turns).decode(), None
    except TypeError:  # a lone surrogate
        return None, "a turn holds a lone surrogate, which no tokenizer can encode"


def parse_messages(text: str) -> list[Turn]:
    """The turns in the JSON that `canonical_messages` made."""
    return [(role, content) for role, content in orjson.loads(text)]


def _turn(item: Any) -> Turn | None:
    if not isinstance(item, Mapping):
        return None
    for role_key, content_key in _KEYS:
        role, content = item.get(role_key), item.get(content_key)
        if isinstance(role, str) and isinstance(content, str):
            return role, content
    return None
