"""Find which added tokens a chat template writes outside the contents, by rendering it.

Conversations of stand-ins that no vocabulary holds go through the template, so the added tokens in
its text are its own. A template may refuse some of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
import orjson

from sftdata.base.limits.budget import BudgetError, limited_by_length
from sftdata.base.limits.sandbox import render_counted
from sftdata.tokenizing.chat.environment import compile_chat_template


def find_written(
    template: str, special_texts: Mapping[str, str], candidates: Sequence[str]
) -> set[str]:
    """The candidates that the template writes outside the contents, never words of the probes."""
    texts = list(_rendered(template, special_texts))
    given = orjson.dumps(_CONVERSATIONS).decode() + orjson.dumps(_TOOLS).decode()
    present = [c for c in candidates if c not in given and any(c in text for text in texts)]
    # Where tokens overlap, the `tokenizers` library takes the longest at each place.
    longest_first = sorted(present, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
    return {match for text in texts for match in pattern.findall(text)}


def _rendered(source: str, special_texts: Mapping[str, str]) -> Iterator[str]:
    """The template's text for each probe that it takes."""
    try:
        template = compile_chat_template(source)
    except jinja2.TemplateError:
        return  # no conversation can be rendered, so nothing is written
    for messages in _CONVERSATIONS:
        for options in _OPTIONS:
            values = {
                "messages": messages,
                "tools": None,
                "documents": None,
                "strftime_now": lambda pattern: "",
                **special_texts,
                **options,
            }
            try:
                with limited_by_length([messages, _TOOLS, _DOCUMENTS]):
                    text = render_counted(template, values)
                yield text
            except BudgetError:
                raise
            except Exception:  # a template can raise anything; it refuses this probe
                continue


def _stand_in(number: int, size: int = 3) -> str:
    return chr(0xE000 + number) * size


def _turn(role: str, number: int, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": _stand_in(number), **more}


def _call(number: int, *, as_text: bool) -> dict[str, Any]:
    arguments = {_stand_in(70): _stand_in(71)}
    function = {
        "name": _stand_in(72 + number),
        "arguments": orjson.dumps(arguments).decode() if as_text else arguments,
    }
    return {"id": _stand_in(80 + number, 9), "type": "function", "function": function}


def _with_tools(
    *,
    as_text: bool = False,
    content: str | None = "",
    calls: int = 1,
    role: str = "tool",
    **more: Any,
) -> list[Any]:
    made = [_call(number, as_text=as_text) for number in range(calls)]
    results = [
        _turn(role, 20 + at, tool_call_id=call["id"], name=call["function"]["name"])
        for at, call in enumerate(made)
    ]
    asked = {"role": "assistant", "content": content, "tool_calls": made, **more}
    return [_turn("user", 10), asked, *results, _turn("assistant", 30)]


_PAIR = [_turn("user", 1), _turn("assistant", 2)]
_REASONING: dict[str, Any] = dict.fromkeys(
    ("reasoning_content", "reasoning", "thinking"), _stand_in(5)
)
_REASONED = _turn("assistant", 4, **_REASONING)
_TEXT_PART = {"type": "text", "text": _stand_in(6)}


def _in_parts(*kinds: str) -> list[dict[str, Any]]:
    """A conversation whose contents are lists of parts; the user's begins with parts of `kinds`."""
    asked = [*({"type": kind} for kind in kinds), _TEXT_PART]
    contents = {"system": [_TEXT_PART], "user": asked, "assistant": [_TEXT_PART]}
    return [{"role": role, "content": content} for role, content in contents.items()]


_CONVERSATIONS: list[list[dict[str, Any]]] = [
    [_turn("user", 1)],
    _PAIR,
    [_turn("system", 0), *_PAIR],
    [_turn("developer", 0), *_PAIR],
    [_turn("system", 0), *_PAIR, _turn("user", 3), _turn("assistant", 4)],
    [_turn("user", 1), _REASONED],
    [_turn("user", 1), _REASONED, _turn("user", 3), _REASONED],
    *(
        _in_parts(*kinds)[first:]
        for kinds in ((), ("image",), ("video",), ("audio",))
        for first in (0, 1)
    ),
    *(
        _with_tools(as_text=as_text, content=content, calls=calls, role=role)
        for as_text in (False, True)
        for content in (None, "", _stand_in(40))
        for calls in (1, 2)
        for role in ("tool", "ipython", "observation")
    ),
    _with_tools(**_REASONING),
    [_turn("system", 0), *_with_tools(as_text=True, **_REASONING)],
]
_SCHEMA = {
    "type": "object",
    "properties": {
        _stand_in(70): {"type": "string", "enum": [_stand_in(71)], "description": _stand_in(91)}
    },
    "required": [_stand_in(70)],
}
_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": _stand_in(72),
            "description": _stand_in(90),
            "parameters": _SCHEMA,
        },
    }
]
_DOCUMENTS = [{"title": _stand_in(60), "text": _stand_in(61), "content": _stand_in(61)}]
_THINKING = {"enable_thinking": True, "thinking": True}
_OPTIONS: list[dict[str, Any]] = [
    {"add_generation_prompt": False},
    {"add_generation_prompt": True},
    {"add_generation_prompt": False, "tools": _TOOLS},
    {"add_generation_prompt": True, "tools": _TOOLS, **_THINKING},
    {"add_generation_prompt": True, "enable_thinking": False, "thinking": False},
    {"add_generation_prompt": True, "documents": _DOCUMENTS, "enable_citations": True},
    {"add_generation_prompt": True, "builtin_tools": [_stand_in(72)], "environment": "ipython"},
]
