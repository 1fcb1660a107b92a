"""Conversations as people have them, with what a build for Qwen3 shows and teaches of each.

The files lie beside the checkout (see `places.SHARED`) and are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_END = "<|im_end|>"
_NO_THOUGHT = "<think>\n\n</think>\n\n"  # before the last answer without reasoning


@dataclass(frozen=True)
class Conversation:
    """Texts that one row shows, in this order, and all that it teaches."""

    shown: tuple[str, ...]
    taught: str


@dataclass(frozen=True)
class ConversationCase:
    """A build of the task `chat`: the rows that arrive, and how many others go for which reason."""

    file: str
    rows: tuple[Conversation, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def _answers(*texts: str) -> str:
    """The taught part of a conversation with these answers."""
    *earlier, last = texts
    return "".join(text + _END for text in earlier) + _NO_THOUGHT + last + _END


def _rows(count: int, shown: tuple[str, ...], taught: str) -> tuple[Conversation, ...]:
    return tuple(
        Conversation(tuple(text.format(i) for text in shown), taught.format(i))
        for i in range(count)
    )


def _usual() -> Iterator[ConversationCase]:
    two = _rows(8, ("Q{}?",), _answers("A{}."))
    for name in ("", "_both", "_json_string", "_large", "_map", "_nulls", "_struct_of_lists"):
        yield ConversationCase(
            f"messages{name}.parquet",
            _rows(8, ("Q{}",), _answers("A{}")) if name == "_both" else two,
        )
    yield ConversationCase("prompt_completion_conv.parquet", two)
    yield ConversationCase("content_parts.jsonl", _rows(8, ("Q{}",), _answers("A{}")))
    yield ConversationCase("openai.jsonl", _rows(8, ("Be brief.", "Q{}?"), _answers("A{}.")))
    yield ConversationCase(
        "multi_turn.jsonl", _rows(8, ("Hi {}", "Hello.", "More"), _answers("Hello.", "More {}."))
    )
    sharegpt = _rows(8, ("Question {}?", "And more?"), _answers("Answer {}.", "More."))
    for suffix in ("json", "jsonl"):
        yield ConversationCase(f"sharegpt.{suffix}", sharegpt)
    yield ConversationCase("array_of_arrays.json", _rows(4, ("Hi {}",), _answers("Yo {}")))
    yield ConversationCase(
        "sharegpt_system_tools.jsonl",
        _rows(8, ("You are a pirate.", "Hi {}"), _answers("Arr {}")),
    )
    code = "    x = {}\n    return x\n"
    yield ConversationCase(
        "indented_answers.jsonl", _rows(6, ("Complete the body of f{}:",), _answers(code))
    )


def _tools_and_reasoning() -> Iterator[ConversationCase]:
    call = (
        '<tool_call>\n{{"name": "get_weather", "arguments": {{"town": "town {0}"}}}}\n</tool_call>'
    )
    yield ConversationCase(
        "tool_calls.jsonl",
        _rows(
            8,
            ("get_weather", "Weather in town {}?", '{{"temp": {}}}'),
            call + _END + _NO_THOUGHT + "It is {0} degrees." + _END,
        ),
    )
    yield ConversationCase(
        "reasoning_content.jsonl",
        tuple(
            Conversation(
                (f"What is {i}+{i}?",),
                f"<think>\n{i} and {i} makes {2 * i}.\n</think>\n\nIt is {2 * i}.{_END}",
            )
            for i in range(8)
        ),
    )


def all_conversation_cases() -> list[ConversationCase]:
    """Every case."""
    return [*_usual(), *_tools_and_reasoning()]
