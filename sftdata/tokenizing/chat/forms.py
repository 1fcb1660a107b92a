"""Forms: the ways to hand the same turns to a chat template.

Templates differ in the form they read: contents as texts or as lists of parts, reasoning under a
key of its own or at the head of the content, arguments of a call as an object or as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from sftdata.base.conversation import Turn

ReasoningForm = Literal["key", "inline"]
Contents = Literal["as_given", "text", "parts"]
Arguments = Literal["object", "text"]
Developer = Literal["as_given", "system"]  # the name of the role in older templates
Empty = Literal["as_given", "text", "none"]


@dataclass(frozen=True, slots=True)
class Form:
    """One form. The default is what transformers hands to the template."""

    contents: Contents = "as_given"
    reasoning: ReasoningForm = "key"
    arguments: Arguments = "object"
    empty: Empty = "as_given"  # a content that is null, or empty beside calls
    developer: Developer = "as_given"

    def to_messages(self, turns: Sequence[Turn]) -> list[dict[str, Any]]:
        """The turns as the template gets them."""
        return [self._to_message(turn) for turn in turns]

    def _to_message(self, turn: Turn) -> dict[str, Any]:
        message = turn.to_message()
        if turn.role == "developer" and self.developer == "system":
            message["role"] = "system"
        if turn.reasoning is not None:
            if self.reasoning == "key":
                message["thinking"] = turn.reasoning  # as transformers names it for gpt-oss
            else:
                del message["reasoning_content"]
                turn = replace(turn, content=inline_reasoning(turn.reasoning, turn.text))
        content = self._content(turn)
        if content is None and self.empty != "none":
            del message["content"]
        else:
            message["content"] = content
        if turn.tool_calls and self.arguments == "text":
            message["tool_calls"] = [_with_json_arguments(call) for call in turn.tool_calls]
        return message

    def _content(self, turn: Turn) -> str | list[dict[str, Any]] | None:
        if _has_no_content(turn):
            if self.empty == "as_given":
                return turn.content
            return "" if self.empty == "text" else None
        if self.contents == "text":
            return turn.text
        if self.contents == "parts" and isinstance(turn.content, str):
            return [{"type": "text", "text": turn.content}]
        return turn.content


def inline_reasoning(reasoning: str, content: str) -> str:
    """A content that starts with its reasoning, as models write it."""
    return f"<think>\n{reasoning}\n</think>\n\n{content}"


def possible_forms(turns: Sequence[Turn], reasoning: ReasoningForm) -> Iterator[Form]:
    """The forms that differ for these turns, the one that transformers takes first."""
    has_text = any(isinstance(turn.content, str) and turn.content for turn in turns)
    has_parts = any(isinstance(turn.content, list) for turn in turns)
    has_calls = any(turn.tool_calls for turn in turns)
    has_empty = any(map(_has_no_content, turns))
    contents: list[Contents] = ["as_given"]
    contents += ["text"] if has_parts else []
    contents += ["parts"] if has_text else []
    empties: list[Empty] = ["as_given", "text", "none"] if has_empty else ["as_given"]
    arguments: list[Arguments] = ["object", "text"] if has_calls else ["object"]
    has_developer = any(turn.role == "developer" for turn in turns)
    developers: list[Developer] = ["as_given", "system"] if has_developer else ["as_given"]
    for developer in developers:
        for content, empty, argument in product(contents, empties, arguments):
            yield Form(content, reasoning, argument, empty, developer)


def _has_no_content(turn: Turn) -> bool:
    """Whether a content is null, or empty beside calls: templates differ in what they expect."""
    return turn.content is None or bool(not turn.content and turn.tool_calls)


def _with_json_arguments(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        return call
    return call | {"function": function | {"arguments": json.dumps(arguments, ensure_ascii=False)}}
