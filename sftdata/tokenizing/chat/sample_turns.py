"""Sample conversations of many shapes, laid out by a chat template as a build does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sftdata.base.conversation import ASSISTANT, DEVELOPER, SYSTEM, TOOL, USER, Conversation, Turn
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.chat.split import Piece

Segment = str | int  # text, or the id of a control token
_STAND_IN = re.compile(r"(Zq\d+qZ)")
_TOOL_NAME, _ARGUMENT = "look_up", "place"
DATA = re.compile(f"{_TOOL_NAME}|{_ARGUMENT}")  # in every call of the sample tool
_TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": _TOOL_NAME,
            "description": "Look a place up.",
            "parameters": {
                "type": "object",
                "properties": {
                    _ARGUMENT: {"type": "string", "description": "Its name."},
                    "days": {"type": "integer", "enum": [1, 2]},
                    "parts": {"type": "array", "items": {"type": "string"}},
                },
                "required": [_ARGUMENT],
            },
        },
    }
]


@dataclass(frozen=True, slots=True)
class StandIn:
    """A placeholder text in a laid-out conversation."""

    turn: int
    role: str
    kind: str


Item = Segment | StandIn


@dataclass
class _Sample:
    """A conversation whose texts are numbered stand-ins."""

    tools: list[dict[str, Any]] | None
    turns: list[Turn] = field(default_factory=list)
    known: dict[str, StandIn] = field(default_factory=dict)

    def text(self, role: str, kind: str) -> str:
        """A new stand-in."""
        name = f"Zq{len(self.known)}qZ"
        self.known[name] = StandIn(len(self.turns), role, kind)
        return name

    def add(self, shape: str) -> None:
        """A turn: s, d, u or t by its role, else an answer: a (text), r (reasoning), c (call)."""
        role = {"s": SYSTEM, "d": DEVELOPER, "u": USER, "t": TOOL}.get(shape, ASSISTANT)
        if role == TOOL:
            turn = Turn(role, self.text(role, "text"), tool_call_id="call00001", name=_TOOL_NAME)
        elif role != ASSISTANT:
            turn = Turn(role, self.text(role, "text"))
        else:
            turn = Turn(
                role,
                self.text(role, "text") if "a" in shape else None,
                reasoning=self.text(role, "reasoning") if "r" in shape else None,
                tool_calls=tuple(self._call(number) for number in range(shape.count("c"))),
            )
        self.turns.append(turn)

    def _call(self, number: int) -> dict[str, Any]:
        arguments = {"days": 2, "parts": ["a", "b"], _ARGUMENT: self.text(ASSISTANT, "call")}
        function = {"name": _TOOL_NAME, "arguments": arguments}
        return {"id": f"call0000{number + 1}", "type": "function", "function": function}


# "+": with tools. Shapes without calls come first.
_SHAPES = (
    "u a u a", "s u a u a", "d u a", "u ar", "u ar u ar", "+ u a", "+ s u a", "+ u ac t a",
    "+ u c t a", "+ u c t a u c t a", "+ s u c t a", "+ u cc t t a", "+ u c", "+ u rc t ar",
    "+ u arc t a",
)  # fmt: skip


def lay_out_samples(chat: ConversationFormat) -> Iterator[list[Item]]:
    """The sample conversations that the template shows whole, as it lays them out."""
    for sample in _conversations():
        if (items := _lay_out(chat, sample)) is not None:
            yield items


def _conversations() -> Iterator[_Sample]:
    for shape in _SHAPES:
        sample = _Sample(_TOOLS if "+" in shape else None)
        for turn in shape.strip("+ ").split():
            sample.add(turn)
        yield sample


def _lay_out(chat: ConversationFormat, sample: _Sample) -> list[Item] | None:
    """The laid-out conversation; None where the template refuses it or leaves out a turn."""
    answers = [at for at, turn in enumerate(sample.turns) if turn.role == ASSISTANT]
    pieces: Sequence[Piece] = ()
    for tools in (sample.tools, None):  # a template may not show them
        try:
            pieces = chat.lay_out(Conversation(tuple(sample.turns), tools), answers).pieces
            break
        except UnusableError:
            continue
    items = list(_items(pieces, sample))
    shown = [item.turn for item in items if isinstance(item, StandIn)]
    return items if shown == sorted(shown) and len({*shown}) == len(sample.turns) else None


def _items(pieces: Sequence[Piece], sample: _Sample) -> Iterator[Item]:
    text = ""
    for piece in [*pieces, None]:
        if piece is not None and isinstance(piece.content, str):
            text += piece.content
            continue
        for part in _STAND_IN.split(text):
            if part:
                yield sample.known.get(part, part)
        text = ""
        if piece is not None:
            assert isinstance(piece.content, int)
            yield piece.content
