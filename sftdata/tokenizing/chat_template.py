"""Chat: what a tokenizer's own chat template puts around the contents of a conversation.

The template is rendered once for each sequence of roles, with stand-ins where the contents go, and
split there. What stands between the contents comes from the tokenizer, control tokens included;
the contents are encoded as plain text, whatever they hold.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sftdata.errors import TemplateError
from sftdata.tokenizing.chat.template import ChatTemplate, RefusedError, load_chat_template
from sftdata.tokenizing.tokenizer import Tokenizer

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"

# Two kinds of stand-in: what a template does to a content must not depend on what it says.
_STAND_INS = ("\ue000{}\ue001", "Zq{}qZ")


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


@dataclass(frozen=True)
class ChatFormat:
    """A tokenizer's chat template, with the options it is rendered with."""

    tokenizer: Tokenizer
    options: Mapping[str, Any]
    date: datetime.date | None = None  # that the template is told; None: of today

    def __post_init__(self) -> None:
        _ = self._template  # raises when there is none

    @cached_property
    def _template(self) -> ChatTemplate:
        date = self.date or datetime.date.today()
        return load_chat_template(self.tokenizer, self.options, date)

    def render(self, messages: Sequence[Mapping[str, str]], *, generate: bool) -> str:
        """The template's text for `messages`; with `generate`, up to where the model goes on.

        Raises `TemplateError` when the template refuses the conversation.
        """
        try:
            return self._template.render(messages, generate=generate)
        except RefusedError as error:
            roles = ", ".join(message["role"] for message in messages)
            hint = (
                "Use a template without a system block, or another tokenizer."
                if messages[0]["role"] == SYSTEM
                else "Use another tokenizer, or build without --chat."
            )
            raise self._error(f"refuses the turns {roles}: {error}", hint) from error

    def layout(self, roles: tuple[str, ...], *, all_turns: bool = False) -> ChatLayout:
        """How a conversation of these roles is laid out; the last turn is the assistant's.

        In the loss is what the model has to write: from the end of what it is fed at inference to
        the end-of-turn token, for the last assistant turn or, with `all_turns`, for each.
        Raises `TemplateError` when the template does not show this.
        """
        layouts = [self._layout(roles, all_turns, pattern) for pattern in _STAND_INS]
        if layouts[0] != layouts[1]:
            raise self._error("treats a content by what it says")
        return layouts[0]

    def _layout(self, roles: tuple[str, ...], all_turns: bool, pattern: str) -> ChatLayout:
        messages = [
            {"role": role, "content": pattern.format(number)} for number, role in enumerate(roles)
        ]
        whole = self.render(messages, generate=False)
        for message in messages:
            if whole.count(message["content"]) != 1:
                raise self._error(
                    f"shows the content of a {message['role']} turn "
                    f"{whole.count(message['content'])} times"
                )
        answers = [i for i, role in enumerate(roles) if role == ASSISTANT]
        starts = []
        for turn in answers if all_turns else answers[-1:]:
            fed = self.render(messages[:turn], generate=True)
            if not whole.startswith(fed):
                raise self._error(
                    "does not show the conversation as it is fed to the model at inference",
                    'Let only the last turn count: loss = "last"'
                    if turn != answers[-1]
                    else "Set the template's own switches with chat_options, or build without "
                    "--chat.",
                )
            starts.append((len(fed), turn))
        return tuple(self._pieces(whole, starts, pattern))

    def _pieces(
        self, whole: str, starts: list[tuple[int, int]], pattern: str
    ) -> Iterator[ControlToken | TextSpan]:
        """`whole` cut at control tokens and where the loss starts and ends."""
        stand_in = re.compile(re.escape(pattern).replace(r"\{\}", r"(\d+)"))
        waiting = list(starts)
        in_loss = False
        for start, text, token_id in self._segments(whole):
            end = start + len(text)
            if token_id is not None:
                if waiting and start >= waiting[0][0]:
                    in_loss = True
                yield ControlToken(token_id, in_loss)
                if (
                    in_loss
                    and waiting
                    and waiting[0][1] in self._turns_before(whole, start, stand_in)
                ):
                    waiting.pop(0)
                    in_loss = False
                    if not waiting:
                        return  # what follows the end of the last turn is not for the model
                continue
            inside = start > 0 and self.tokenizer.prefixes_first_only
            cut = waiting[0][0] if waiting and start < waiting[0][0] < end else None
            if cut is not None:
                yield TextSpan(_parts(whole[start:cut], stand_in), in_loss=False, continues=inside)
            elif waiting and start >= waiting[0][0]:
                in_loss = True
            begin = start if cut is None else cut
            in_loss = in_loss or cut is not None
            parts = _parts(text[begin - start :], stand_in)
            if parts:
                yield TextSpan(parts, in_loss=in_loss, continues=cut is not None or inside)
        raise self._error(
            "puts no control token after the assistant's turn, so a model could not learn to stop"
        )

    def _turns_before(self, whole: str, end: int, stand_in: re.Pattern[str]) -> set[int]:
        return {int(match[1]) for match in stand_in.finditer(whole, 0, end)}

    def _segments(self, whole: str) -> Iterator[tuple[int, str, int | None]]:
        """Start, text and id of each control token in `whole`, and of the texts between them.

        White space that a token absorbs (`lstrip`, `rstrip`) is removed.
        """
        end = 0
        strip = False
        for match in self.tokenizer.control_pattern.finditer(whole):
            token = self.tokenizer.added_tokens[match[0]]
            text = whole[end : match.start()]
            skipped = len(text) - len(text.lstrip()) if strip else 0
            text = text[skipped:].rstrip() if token.get("lstrip") else text[skipped:]
            if text:
                yield end + skipped, text, None
            yield match.start(), match[0], int(token["id"])
            end, strip = match.end(), bool(token.get("rstrip"))
        rest = whole[end:].lstrip() if strip else whole[end:]
        if rest:
            yield len(whole) - len(rest), rest, None

    def end_id(self) -> int:
        """The end-of-turn token: the last token of every example."""
        last = self.layout((USER, ASSISTANT))[-1]
        assert isinstance(last, ControlToken)
        return last.token_id

    def _error(self, what: str, hint: str | None = None) -> TemplateError:
        return TemplateError(
            f"The chat template of the tokenizer '{self.tokenizer.name}' {what}.", hint
        )


def _parts(text: str, stand_in: re.Pattern[str]) -> tuple[str | int, ...]:
    pieces: list[str | int] = []
    for at, piece in enumerate(stand_in.split(text)):
        if at % 2:
            pieces.append(int(piece))
        elif piece:
            pieces.append(piece)
    return tuple(pieces)
