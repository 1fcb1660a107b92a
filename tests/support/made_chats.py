"""Tokenizers made for chat templates, and conversations of every shape to try them with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

Message = dict[str, Any]

_MARKER = re.compile(
    r"<\|[^|<>\s]*\|>|<\|[\"a-z_]+>|<[\"a-z_]+\|>|<｜[^｜<>\s]+｜>|</?[a-zA-Z_]+>|<<?/?SYS>>?"
    r"|\[/?[A-Z_]+\]|\[\|[a-z]+\|\]|<[a-z]+_of_[a-z]+>"
)
_ROLES = ("system", "user", "assistant", "tool", "developer")
EOS = "<|endoftext|>"


def markers(template: str) -> list[str]:
    """The texts in a chat template that look like control tokens, in order."""
    without_comments = re.sub(r"{#.*?#}", "", template, flags=re.DOTALL)
    found = dict.fromkeys(_MARKER.findall(without_comments))
    for start, end in (("<|", "|>"), ("[|", "|]")):
        if re.search(rf"['\"]{re.escape(start)}['\"] ?\+", template):  # '<|' + message.role + …
            found |= dict.fromkeys(f"{start}{role}{end}" for role in _ROLES)
    return list(found)


def make_tokenizer(base: Path, template: str, folder: Path, *, eos: str = EOS) -> Path:
    """A tokenizer folder: `base` with each marker of the template as an added special token."""
    spec = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = spec["model"]["vocab"]
    added = {token["content"] for token in spec["added_tokens"]}
    new = [text for text in markers(template) if text not in added]
    first = 1 + max(*vocabulary.values(), *(token["id"] for token in spec["added_tokens"]))
    for number, text in enumerate(new, first):
        spec["added_tokens"].append(
            {"id": number, "content": text, "special": True, "single_word": False}
            | {"lstrip": False, "rstrip": False, "normalized": False}
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(spec), encoding="utf-8")
    config = {"bos_token": eos, "eos_token": eos, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return folder


def user(content: Any = "How high is Mont Blanc?", **more: Any) -> Message:
    """A user's turn."""
    return {"role": "user", "content": content, **more}


def answer(content: Any = "It is 4,806 m high.", **more: Any) -> Message:
    """An assistant's turn."""
    return {"role": "assistant", "content": content, **more}


def system(content: Any = "Answer in one short sentence.") -> Message:
    """A system turn."""
    return {"role": "system", "content": content}


def call(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool, whose id is of the form that Mistral's templates ask for."""
    function = {"name": name, "arguments": arguments}
    return {"id": f"call0000{number}", "type": "function", "function": function}


def result(number: int, content: str = '{"celsius": 21.5}', name: str = "weather") -> Message:
    """The result of a call."""
    return {"role": "tool", "tool_call_id": f"call0000{number}", "name": name, "content": content}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Name of the city"},
                    "days": {"type": "integer", "description": "How many days ahead"},
                },
                "required": ["city"],
            },
        },
    }
    for name, description in (
        ("weather", "Tells the weather of a city"),
        ("trains", "Lists trains to a city"),
    )
]
CODE = "    def f(x):\n        return x\n\n    print(f(1))  \n"
_ASK = "Is it warm in Rome?"


def shapes() -> dict[str, tuple[list[Message], list[Any] | None]]:
    """Conversations by the name of their shape, with their tools."""
    weather = call(1, "weather", city="Rome", days=2)
    trains = call(2, "trains", city="Rome")
    two = [answer("", tool_calls=[weather, trains]), result(1), result(2, "[]", "trains")]
    with_call = [user(_ASK), answer("", tool_calls=[weather]), result(1), answer("Yes, 21.5 °C.")]
    thought = "The user asks about a height.\nI know it."
    return {
        "ua": ([user(), answer()], None),
        "sua": ([system(), user(), answer()], None),
        "uaua": ([user(), answer(), user("And K2?"), answer("8,611 m.")], None),
        "suaua": ([system(), user(), answer(), user("And K2?"), answer("8,611 m.")], None),
        "call": (with_call, TOOLS),
        "system call": ([system(), *with_call], TOOLS),
        "call only": ([user(_ASK), answer("", tool_calls=[weather])], TOOLS),
        "text and call": (
            [user(_ASK), answer("I look.", tool_calls=[weather]), result(1), answer("Yes.")],
            TOOLS,
        ),
        "two calls": ([user(_ASK), *two, answer("Yes, and no train goes.")], TOOLS),
        "calls in turns": ([*with_call, user("And Oslo?"), *with_call[1:]], TOOLS),
        "tools unused": ([user(), answer()], TOOLS),
        "reasoning": ([user(), answer(reasoning_content=thought)], None),
        "reasoning twice": (
            [
                user(),
                answer(reasoning_content=thought),
                user("And K2?"),
                answer("8,611 m.", reasoning_content="An easy one."),
            ],
            None,
        ),
        "reasoning inline": ([user(), answer(f"<think>\n{thought}\n</think>\n\n4,806 m.")], None),
        "reasoning call": (
            [
                user(_ASK),
                answer("", reasoning_content=thought, tool_calls=[weather]),
                result(1),
                answer("Yes.", reasoning_content="It is warm."),
            ],
            TOOLS,
        ),
        "list parts": (
            [
                user([{"type": "text", "text": "What is this?"}]),
                answer([{"type": "text", "text": "A mountain."}]),
            ],
            None,
        ),
        "two parts": (
            [
                user([{"type": "text", "text": "How high"}, {"type": "text", "text": " is it?"}]),
                answer([{"type": "text", "text": "High."}]),
            ],
            None,
        ),
        "empty system": ([system(""), user(), answer()], None),
        "code": ([user("  Show code\n"), answer(CODE)], None),
    }
