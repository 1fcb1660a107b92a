"""Lay plain conversations out fast: those whose contents the chat template shows without reading.

Their layout is found once for each sequence of roles, with stand-ins, and filled with the contents.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import orjson

from sftdata.base.conversation import ASSISTANT
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.errors import TemplateError
from sftdata.tokenizing.chat.layout import Layout
from sftdata.tokenizing.chat.read_texts import ReadTexts
from sftdata.tokenizing.chat.skeleton import ChatFormat, Skeleton

_START = '[["'  # of the JSON of turns that may all be plain
_LONGEST = 64  # turns; the layout of more costs more than it saves


@dataclass(frozen=True)
class PlainConversations(PicklesFieldsOnly):
    """Lays out conversations of plain turns; the others are left to `ConversationFormat`."""

    chat: ChatFormat
    all_turns: bool
    _skeletons: dict[tuple[str, ...], Skeleton | None] = field(default_factory=dict)

    @cached_property
    def _read(self) -> ReadTexts:
        return ReadTexts.of(str(self.chat.tokenizer.chat_template))

    def lay_out(self, text: str) -> Layout | None:
        """The layout of the conversation in canonical JSON; None if it is not found this way."""
        if not text.startswith(_START):
            return None
        turns = orjson.loads(text)
        if len(turns) > _LONGEST or not all(type(turn) is list for turn in turns):
            return None
        contents = [content for _, content in turns]
        if not all(map(self._read.are_not_in, contents)):
            return None
        skeleton = self._skeleton(tuple(role for role, _ in turns))
        return None if skeleton is None else skeleton.fill(contents)

    def _skeleton(self, roles: tuple[str, ...]) -> Skeleton | None:
        if roles not in self._skeletons:
            answers = tuple(at for at, role in enumerate(roles) if role == ASSISTANT)
            taught = answers if self.all_turns else answers[-1:]
            try:
                self._skeletons[roles] = self.chat.skeleton(roles, taught)
            except TemplateError:
                self._skeletons[roles] = None
        return self._skeletons[roles]
