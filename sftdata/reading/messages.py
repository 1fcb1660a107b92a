"""Conversations of plain turns, as the engine takes them."""

from __future__ import annotations

import orjson

Turn = tuple[str, str]  # role, content


def parse_messages(text: str) -> list[Turn]:
    """The turns in the text of a conversation that has only roles and texts."""
    return [(role, content) for role, content in orjson.loads(text)]
