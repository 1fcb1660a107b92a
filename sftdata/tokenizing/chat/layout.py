"""Lay a conversation out: the pieces of its text to encode, and which of them are taught.

The text is the template's own. For each taught turn, the prompt is what a server feeds: the turns
before, with the generation prompt. The taught text is what follows, up to the stop token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sftdata.base.conversation import Conversation, Turn
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.base.reasons import Reason
from sftdata.tokenizing.chat.continued import continue_fed
from sftdata.tokenizing.chat.guard import Guard
from sftdata.tokenizing.chat.rendering import FormSearch, Rendering, UntaughtError, UnusableError
from sftdata.tokenizing.chat.shown import find_unshown, find_unshown_tool, shows_all
from sftdata.tokenizing.chat.split import Piece, TaughtSpan, split_text
from sftdata.tokenizing.chat.stops import Stops
from sftdata.tokenizing.chat.taught import Taught, find_taught
from sftdata.tokenizing.chat.template import NO_OPTIONS, ChatTemplate, RefusedError
from sftdata.tokenizing.tokenizer import Tokenizer

# What a template writes that takes a list of parts for a text.
_PARTS_AS_CODE = ("{'type': 'text'", '{"type": "text"')


@dataclass(frozen=True, slots=True)
class Layout:
    """The pieces of a conversation, and what the ledger should say about it."""

    pieces: tuple[Piece, ...]
    untaught: tuple[str, ...] = ()  # wanted turns that are not in the loss, and why
    # Turns whose prompt takes the option `enable_thinking`, from 1, with its value.
    thinking: tuple[tuple[int, bool], ...] = ()


@dataclass(frozen=True)
class ConversationFormat(PicklesFieldsOnly):
    """Lays conversations out in a tokenizer's chat template."""

    tokenizer: Tokenizer
    template: ChatTemplate
    teach_reasoning: bool = True

    @cached_property
    def _guard(self) -> Guard:
        return Guard(tuple(self.tokenizer.control_tokens), self.template.source)

    @cached_property
    def _stops(self) -> Stops:
        return Stops(self.tokenizer, self.template)

    @cached_property
    def _forms(self) -> FormSearch:
        return FormSearch(self.template)

    def lay_out(self, conversation: Conversation, wanted: Sequence[int]) -> Layout:
        """The layout that teaches the `wanted` turns, by index, as far as it can.

        Raises `UnusableError` when none of them can be taught exactly.
        """
        guarded, area = self._guarded(conversation)

        def lay_out(rendering: Rendering, text: str) -> Layout:
            return self._lay_out(rendering, text, wanted)

        try:
            layout = self._forms.find_best(guarded, _render_all, lay_out, _count_untaught)
        except UnusableError as error:
            if not wanted or max(wanted) != len(guarded.turns) - 1:
                raise
            try:
                layout = self._forms.find_best(guarded, self._continue, lay_out, _count_untaught)
            except UnusableError:
                raise error from None
        return self._put_back(layout, area)

    def prompt(
        self,
        conversation: Conversation,
        taught: Sequence[int],
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> tuple[Piece, ...]:
        """The pieces that a server feeds for the model to write the next turn.

        They are those before the next turn in an example in which the turns `taught` are taught.
        Raises `UnusableError` when the template refuses the turns or does not show them.
        """
        guarded, area = self._guarded(conversation)

        def render(rendering: Rendering) -> str:
            return rendering.render(len(guarded.turns), generate=True, options=options)

        def feed(rendering: Rendering, fed: str) -> Layout:
            _check_shown(rendering, fed)
            found, _ = self._find_taught(rendering, fed, taught)
            end = TaughtSpan(len(fed), len(fed), len(fed))
            spans = [*(one.span for one in found.values()), end]
            return Layout(tuple(split_text(fed, spans, self.tokenizer)))

        layout = self._forms.find_best(guarded, render, feed, lambda layout: 0)
        return self._put_back(layout, area).pieces

    @cached_property
    def stop_ids(self) -> list[int]:
        """The ids that end a turn: of a plain answer, of a call, and those the tokenizer names."""
        question = Turn("user", "Zq0qZ")
        call = {"type": "function", "function": {"name": "Zq1qZ", "arguments": {"a": "Zq2qZ"}}}
        ends = []
        for turn in (Turn("assistant", "Zq1qZ"), Turn("assistant", None, tool_calls=(call,))):
            try:
                layout = self.lay_out(Conversation((question, turn)), [1])
            except UnusableError:
                continue
            ends.append(int(layout.pieces[-1].content))
        return list(dict.fromkeys([*ends, *self.tokenizer.stop_ids]))

    def _guarded(self, conversation: Conversation) -> tuple[Conversation, int | None]:
        """The conversation without control-like text, and the area of its stand-ins, if any."""
        text = conversation.to_json()
        if not self._guard.is_needed(text):
            return conversation, None
        area = self._guard.area(text)
        if area is None:
            detail = "the private-use characters that stand for control-like text are all in it"
            raise UnusableError(Reason.NOT_ENCODABLE, detail)

        def clean(value: Any) -> Any:
            return self._guard.replace(value, area)

        turns = [
            replace(
                turn,
                content=clean(turn.content),
                reasoning=clean(turn.reasoning),
                tool_calls=tuple(map(clean, turn.tool_calls)),
                tool_call_id=clean(turn.tool_call_id),
                name=clean(turn.name),
            )
            for turn in conversation.turns
        ]
        tools, documents = clean(conversation.tools), clean(conversation.documents)
        guarded = Conversation(tuple(turns), tools, documents)
        return guarded, None if guarded == conversation else area

    def _put_back(self, layout: Layout, area: int | None) -> Layout:
        if area is None:
            return layout
        pieces = []
        for piece in layout.pieces:
            if isinstance(piece.content, str):
                if self._guard.has_escaped(piece.content, area):
                    detail = "the chat template escapes text that reads like a control token"
                    raise UnusableError(Reason.NOT_SHOWN, detail)
                piece = replace(piece, content=self._guard.put_back(piece.content, area))
            pieces.append(piece)
        return replace(layout, pieces=tuple(pieces))

    def _continue(self, rendering: Rendering) -> str:
        """The prompt that a server feeds for the last turn, and that turn."""
        try:
            return continue_fed(rendering, self._stops)
        except UntaughtError as error:
            raise UnusableError(Reason.NOT_TAUGHT, str(error)) from error

    def _lay_out(self, rendering: Rendering, whole: str, wanted: Sequence[int]) -> Layout:
        _check_shown(rendering, whole)
        taught, untaught = self._find_taught(rendering, whole, wanted)
        if not taught:
            raise UnusableError(Reason.NOT_TAUGHT, "; ".join(untaught) or "no turn is in the loss")
        last = taught[max(taught)]
        spans = [one.span for one in taught.values()]
        pieces = list(split_text(whole + last.more, spans, self.tokenizer))
        if last.needs_eos:
            pieces.append(Piece(self.tokenizer.eos_id, in_loss=True))
        thinking = [(t + 1, one.thinking) for t, one in taught.items() if one.thinking is not None]
        return Layout(tuple(pieces), tuple(untaught), tuple(thinking))

    def _find_taught(
        self, rendering: Rendering, whole: str, wanted: Sequence[int]
    ) -> tuple[dict[int, Taught], list[str]]:
        """The taught text of each wanted turn, and the reason for turns that cannot be taught."""
        taught: dict[int, Taught] = {}
        untaught: list[str] = []
        for turn in wanted:
            try:
                taught[turn] = find_taught(
                    rendering, whole, turn, self._stops, teach_reasoning=self.teach_reasoning
                )
            except (UntaughtError, RefusedError) as error:
                untaught.append(f"turn {turn + 1}: {error}")
        return taught, untaught


def _render_all(rendering: Rendering) -> str:
    return rendering.render(len(rendering.messages))


def _count_untaught(layout: Layout) -> int:
    return len(layout.untaught)


def _check_shown(rendering: Rendering, whole: str) -> None:
    """Raises `UnusableError` where the template leaves out what the model should read."""
    conversation = rendering.conversation
    if any(isinstance(message.get("content"), list) for message in rendering.messages):
        text = conversation.to_json()
        if any(code in whole and code not in text for code in _PARTS_AS_CODE):
            raise UnusableError(Reason.NOT_SHOWN, "the chat template shows a list as program code")
    for number, turn in enumerate(conversation.turns, 1):
        missing = None if turn.role == "assistant" else find_unshown(turn, whole)
        if missing is not None:
            detail = f"the chat template does not show the {missing} of turn {number} ({turn.role})"
            raise UnusableError(Reason.NOT_SHOWN, detail)
    tool = find_unshown_tool(conversation.tools or (), whole)
    if tool is not None:
        detail = f"the chat template does not show the tool '{tool}'"
        raise UnusableError(Reason.NOT_SHOWN, detail)
    if not shows_all([list(d.values()) for d in conversation.documents or ()], whole):
        detail = "the chat template does not show the documents"
        raise UnusableError(Reason.NOT_SHOWN, detail)
