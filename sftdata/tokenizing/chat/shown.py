"""Check that a template shows what a conversation holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sftdata.base.conversation import Turn, leaves


def find_unshown(turn: Turn, text: str) -> str | None:
    """The part of a turn that `text` does not show; None when it shows everything."""
    for content in _contents(turn):
        if not _shows(text, content):
            return "content"
    if turn.reasoning is not None and not _shows(text, turn.reasoning):
        return "reasoning"
    # The name on a tool's result repeats that of its call.
    if turn.name and turn.role != "tool" and not _shows(text, turn.name):
        return f"name '{turn.name}'"
    for call in turn.tool_calls:
        name = call["function"].get("name", "")
        if not _shows(text, name):
            return f"call of '{name}'"
        for leaf in leaves(call["function"].get("arguments")):
            if not _shows(text, leaf):
                return f"arguments of the call of '{name}'"
    return None


def find_unshown_tool(tools: Sequence[dict[str, Any]], text: str) -> str | None:
    """The name of the first tool that `text` does not show, with its description."""
    for tool in tools:
        function = tool.get("function", tool)
        name = str(function.get("name", ""))
        description = function.get("description") or ""
        if not _shows(text, name) or not _shows(text, str(description)):
            return name
    return None


def shows_all(values: Any, text: str) -> bool:
    """Whether `text` shows every text and number in `values`."""
    return all(_shows(text, leaf) for leaf in leaves(values))


def _contents(turn: Turn) -> Iterator[str]:
    if isinstance(turn.content, list):
        yield from (str(part.get("text", "")) for part in turn.content)
    else:
        yield turn.content or ""


def _shows(text: str, part: str) -> bool:
    part = part.strip()
    return not part or part in text or _escaped(part) in text or _escaped_ascii(part) in text


def _escaped(part: str) -> str:
    return json.dumps(part, ensure_ascii=False)[1:-1]


def _escaped_ascii(part: str) -> str:
    return json.dumps(part)[1:-1]
