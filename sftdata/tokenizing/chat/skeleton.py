"""Skeletons: the layout of all conversations of the same roles, to be filled with contents.

A conversation of stand-ins is laid out once for each sequence of roles (see `chat.layout`). What
stands between the stand-ins comes from the tokenizer, control tokens included; the contents are
encoded as plain text, whatever they hold, a column at a time.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sftdata.base.conversation import ASSISTANT, SYSTEM, USER, Conversation, Turn
from sftdata.base.reasons import Reason
from sftdata.errors import TemplateError
from sftdata.tokenizing.chat.layout import ConversationFormat, Layout
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.chat.split import Piece
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.tokenizer import Tokenizer

# Two kinds of stand-in, one of them long: a template must treat all contents alike.
_STAND_INS = ("\ue000{}\ue001", "Zq{}qZ" + "uz" * 2048)


@dataclass(frozen=True, slots=True)
class ControlToken:
    """A control token of the tokenizer."""

    token_id: int
    in_loss: bool


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Text between two control tokens: literal pieces and contents (the number of their turn).

    It is encoded as one text, as the tokenizer itself would; `continues` where the loss begins
    within such a text, so that this is the continuation of the run before.
    """

    parts: tuple[str | int, ...]
    in_loss: bool
    continues: bool


ChatLayout = tuple[ControlToken | TextSpan, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The layout of all conversations of the same roles whose contents the template only shows."""

    pieces: ChatLayout
    untaught: tuple[str, ...]  # as in a `Layout`
    thinking: tuple[tuple[int, bool], ...]

    def fill(self, contents: Sequence[str]) -> Layout:
        """The layout of the conversation with these contents."""
        pieces = []
        for piece in self.pieces:
            if isinstance(piece, ControlToken):
                pieces.append(Piece(piece.token_id, piece.in_loss))
                continue
            parts = [part if isinstance(part, str) else contents[part] for part in piece.parts]
            pieces.append(Piece("".join(parts), piece.in_loss, piece.continues))
        return Layout(tuple(pieces), self.untaught, self.thinking)


@dataclass(frozen=True)
class ChatFormat:
    """A tokenizer's chat template, with the options it is rendered with."""

    tokenizer: Tokenizer
    options: Mapping[str, Any]
    date: datetime.date | None = None  # that the template is told; None: of today

    def __post_init__(self) -> None:
        _ = self._conversations  # raises when there is no chat template

    @cached_property
    def _conversations(self) -> ConversationFormat:
        date = self.date or datetime.date.today()
        template = load_chat_template(self.tokenizer, self.options, date)
        return ConversationFormat(self.tokenizer, template)

    def layout(self, roles: tuple[str, ...]) -> ChatLayout:
        """How a conversation of these roles is laid out; the last turn is the assistant's.

        The loss counts the text that the model has to write: from the end of its prompt at
        inference to the stop token of the last turn. Raises `TemplateError` when the template does
        not show this.
        """
        return self.skeleton(roles, (len(roles) - 1,)).pieces

    def skeleton(self, roles: tuple[str, ...], taught: tuple[int, ...]) -> Skeleton:
        """The layout of a conversation of these roles in which the turns `taught` are wanted.

        Raises `TemplateError` as `layout` does.
        """
        found = []
        for pattern in _STAND_INS:
            laid = self._lay_out(roles, taught, pattern)
            pieces = tuple(self._pieces(laid, roles, pattern))
            found.append(Skeleton(pieces, laid.untaught, laid.thinking))
        if found[0] != found[1]:
            raise self._error("treats a content by what it says")
        return found[0]

    def thinking(self, roles: tuple[str, ...]) -> bool | None:
        """The option `enable_thinking` that the prompt of these roles takes, if any."""
        found = self.skeleton(roles, (len(roles) - 1,)).thinking
        return found[0][1] if found else None

    def _pieces(
        self, laid: Layout, roles: tuple[str, ...], pattern: str
    ) -> Iterator[ControlToken | TextSpan]:
        stand_in = re.compile(re.escape(pattern).replace(r"\{\}", r"(\d+)"))
        shown = [0] * len(roles)
        for piece in laid.pieces:
            if isinstance(piece.content, int):
                yield ControlToken(piece.content, piece.in_loss)
                continue
            parts = _parts(piece.content, stand_in)
            for part in parts:
                if isinstance(part, int):
                    shown[part] += 1
            yield TextSpan(parts, piece.in_loss, piece.continues)
        for role, count in zip(roles, shown, strict=True):
            if count != 1:
                raise self._error(f"shows the content of a {role} turn {count} times")

    def _lay_out(self, roles: tuple[str, ...], taught: tuple[int, ...], pattern: str) -> Layout:
        turns = tuple(Turn(role, pattern.format(number)) for number, role in enumerate(roles))
        try:
            return self._conversations.lay_out(Conversation(turns), taught)
        except UnusableError as error:
            what = "refuses" if error.reason == Reason.REFUSED else "cannot show"
            hint = (
                "Use a template without a system block, or another tokenizer."
                if roles[0] == SYSTEM
                else "Set the template's own switches with chat_options, give another template "
                "with --chat-template, or build without --chat."
            )
            raise self._error(f"{what} the turns {', '.join(roles)}: {error}", hint) from error

    def end_id(self) -> int:
        """The end-of-turn token: the last token of every example."""
        last = self.layout((USER, ASSISTANT))[-1]
        assert isinstance(last, ControlToken)
        return last.token_id

    def _error(self, what: str, hint: str | None = None) -> TemplateError:
        return TemplateError(
            f"The chat template of the tokenizer '{self.tokenizer.name}' {what}.", hint
        )


def recorded_format(tokenizer: Tokenizer, chat: Mapping[str, Any]) -> ChatFormat:
    """The format of a chat dataset, by the entry `chat` of its manifest or passport."""
    date = chat.get("date")
    return ChatFormat(
        tokenizer, chat["options"], None if date is None else datetime.date.fromisoformat(date)
    )


def _parts(text: str, stand_in: re.Pattern[str]) -> tuple[str | int, ...]:
    pieces: list[str | int] = []
    for at, piece in enumerate(stand_in.split(text)):
        if at % 2:
            pieces.append(int(piece))
        elif piece:
            pieces.append(piece)
    return tuple(pieces)
