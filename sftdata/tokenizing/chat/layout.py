"""Lay a conversation out: the pieces of its text to encode, and which of them are taught.

The text is the template's own. For each taught turn, the prompt is what a server feeds: the turns
before, with the generation prompt. The taught text is what follows, up to the stop token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sftdata.base.conversation import Conversation, Turn
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.base.reasons import Reason
from sftdata.tokenizing.chat.forms import Form, ReasoningForm, possible_forms
from sftdata.tokenizing.chat.guard import Guard
from sftdata.tokenizing.chat.shown import find_unshown, find_unshown_tool, shows_all
from sftdata.tokenizing.chat.split import Piece, TaughtSpan, split_text
from sftdata.tokenizing.chat.stops import Stops
from sftdata.tokenizing.chat.template import ChatTemplate, Message, RefusedError
from sftdata.tokenizing.tokenizer import Tokenizer

# What closes a reasoning, white space included: `</think>`, `<|end|>` …
_CLOSING = re.compile(r"\s*(<[^<>]*>|\[[^\[\]]*\])?\s*")

_NO_OPTIONS: Mapping[str, Any] = {}


class UnusableError(Exception):
    """A conversation that cannot be taught exactly."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Layout:
    """The pieces of a conversation, and what the ledger should say about it."""

    pieces: tuple[Piece, ...]
    untaught: tuple[str, ...] = ()  # wanted turns that are not in the loss, and why
    # Turns whose prompt takes the option `enable_thinking`, from 1, with its value.
    thinking: tuple[tuple[int, bool], ...] = ()


class _UntaughtError(Exception):
    """A turn that cannot be taught in this example."""


@dataclass(frozen=True, slots=True)
class _Taught:
    """What the model writes for a turn: a part of the template's text, with more after its end."""

    span: TaughtSpan
    more: str  # the stop token, where only the turn after it would bring it
    needs_eos: bool  # the template writes no stop token at all
    thinking: bool | None  # the option `enable_thinking` that its prompt takes


@dataclass(frozen=True)
class _Rendering:
    """Renders the first turns of a guarded conversation in one form."""

    template: ChatTemplate
    conversation: Conversation
    form: Form
    messages: list[Message] = field(default_factory=list)

    def render(
        self,
        turns: int,
        *,
        generate: bool = False,
        more: Sequence[Turn] = (),
        options: Mapping[str, Any] = _NO_OPTIONS,
    ) -> str:
        """The text of the first `turns` turns."""
        messages = self.messages[:turns] + self.form.to_messages(more)
        return self.template.render(
            messages,
            tools=self.conversation.tools,
            documents=self.conversation.documents,
            generate=generate,
            options=options,
        )

    def render_fed(self, at: int, whole: str) -> tuple[str, bool | None]:
        """What a server feeds before turn `at`, and the `enable_thinking` that it takes, if any.

        An answer with reasoning is what a model gives with thinking on, another with thinking off.
        Some templates show it so, although their default generation prompt is for the other.
        """
        fed = self.render(at, generate=True)
        if whole.startswith(fed):
            return fed, None
        if self.template.can_switch_thinking:
            thinks = bool(self.conversation.turns[at].reasoning)
            fed = self.render(at, generate=True, options={"enable_thinking": thinks})
            if whole.startswith(fed):
                return fed, thinks
        raise _UntaughtError("the template shows the turns before it otherwise than it is fed")


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
    def stops(self) -> Stops:
        """Finds the stop tokens."""
        return Stops(self.tokenizer, self.template)

    def lay_out(self, conversation: Conversation, wanted: Sequence[int]) -> Layout:
        """The layout that teaches the `wanted` turns, by index, as far as it can.

        Raises `UnusableError` when none of them can be taught exactly.
        """
        guarded, area = self._guarded(conversation)

        def lay_out(rendering: _Rendering) -> Layout:
            return self._lay_out(rendering, wanted)

        return self._put_back(self._in_best_form(guarded, lay_out), area)

    def prompt(self, conversation: Conversation) -> tuple[Piece, ...]:
        """The pieces that a server feeds for the model to write the next turn.

        Raises `UnusableError` when the template refuses the turns or does not show them.
        """
        guarded, area = self._guarded(conversation)

        def feed(rendering: _Rendering) -> Layout:
            fed = rendering.render(len(guarded.turns), generate=True)
            _check_shown(guarded, fed)
            span = TaughtSpan(len(fed), len(fed), len(fed))
            return Layout(tuple(split_text(fed, [span], self.tokenizer)))

        return self._put_back(self._in_best_form(guarded, feed), area).pieces

    def _in_best_form(
        self, guarded: Conversation, lay_out: Callable[[_Rendering], Layout]
    ) -> Layout:
        """The layout in the first form in which all wanted turns can be taught, or else most.

        Raises `UnusableError`, about the first form that was tried, when there is none.
        """
        first_error: UnusableError | None = None
        best: Layout | None = None
        refused: set[str] = set()
        for form in possible_forms(guarded.turns, self._reasoning_form):
            if form.developer in refused:
                continue
            messages: list[Message] = list(form.to_messages(guarded.turns))
            try:
                layout = lay_out(_Rendering(self.template, guarded, form, messages))
            except RefusedError as error:
                detail = f"the chat template says: {error}"
                first_error = first_error or UnusableError(Reason.REFUSED, detail)
                if error.is_explicit:  # not about the form of the turns
                    refused.add(form.developer)
            except UnusableError as error:
                first_error = first_error or error
            else:
                if best is None or len(layout.untaught) < len(best.untaught):
                    best = layout
                if not layout.untaught:
                    break
        if best is not None:
            return best
        assert first_error is not None
        raise first_error

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

    @cached_property
    def _reasoning_form(self) -> ReasoningForm:
        """How the template takes reasoning: under a key of its own, or else in the content."""
        mark = "Zq2qZ"
        made = (Turn("user", "Zq0qZ"), Turn("assistant", "Zq1qZ", reasoning=mark))
        for form in (Form(), Form(contents="parts")):
            try:
                if mark in self.template.render(form.to_messages(made)):
                    return "key"
            except RefusedError:
                continue
        return "inline"

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

    def _lay_out(self, rendering: _Rendering, wanted: Sequence[int]) -> Layout:
        conversation = rendering.conversation
        turns = conversation.turns
        whole = rendering.render(len(turns))
        _check_shown(conversation, whole)
        taught: dict[int, _Taught] = {}
        untaught: list[str] = []
        for turn in wanted:
            try:
                taught[turn] = self._find_taught(rendering, whole, turn)
            except (_UntaughtError, RefusedError) as error:
                untaught.append(f"turn {turn + 1}: {error}")
        if not taught:
            raise UnusableError(Reason.NOT_TAUGHT, "; ".join(untaught) or "no turn is in the loss")
        last = taught[max(taught)]
        spans = [one.span for one in taught.values()]
        pieces = list(split_text(whole + last.more, spans, self.tokenizer))
        if last.needs_eos:
            pieces.append(Piece(self.tokenizer.eos_id, in_loss=True))
        thinking = [(t + 1, one.thinking) for t, one in taught.items() if one.thinking is not None]
        return Layout(tuple(pieces), tuple(untaught), tuple(thinking))

    def _find_taught(self, rendering: _Rendering, whole: str, at: int) -> _Taught:
        """What the model writes for the turn `at` in the text `whole`.

        Raises `_UntaughtError`, or `RefusedError` where the template refuses the turns before it.
        """
        fed, thinking = rendering.render_fed(at, whole)
        is_last = at == len(rendering.messages) - 1
        shown = whole if is_last else rendering.render(at + 1)
        if not shown.startswith(fed):
            raise _UntaughtError("the template does not go on from its own generation prompt")
        own = shown[len(fed) :]
        ends, more, needs_eos = self.stops.find(own), "", False
        if ends:
            end = self._end_in_whole([own[:end] for end in ends], whole[len(fed) :])
        else:
            after = whole if not is_last else _render_next(rendering, at)
            if after is not None and after.startswith(shown):
                more = after[len(shown) :][: self.stops.first(after[len(shown) :]) or 0]
            needs_eos = is_last and not more
            if not is_last and not more:
                raise _UntaughtError("no stop token follows it")
            end = len(own) + len(more)
        turn = rendering.conversation.turns[at]
        text = (whole + more if is_last else whole)[len(fed) : len(fed) + end]
        missing = find_unshown(turn, text)
        if missing is not None:
            raise _UntaughtError(f"the template does not show its {missing}")
        skipped = 0 if self.teach_reasoning else _end_of_reasoning(turn, text)
        span = TaughtSpan(len(fed), len(fed) + skipped, len(fed) + end)
        return _Taught(span, more if is_last else "", needs_eos, thinking)

    def _end_in_whole(self, written: Sequence[str], rest: str) -> int:
        """Where a turn ends in `rest`; the model writes it as the first of `written`.

        The others are without some of the tokens at its end: templates may leave those out where
        the answer isn't the last. They may also leave out what they put before a last answer.
        """
        for text in written:
            if rest.startswith(text):
                return len(text)
        for text in written:
            end = self.stops.end_of(self.stops.last_token(text), rest)
            if end is not None and text.endswith(rest[:end]):
                return end
        raise _UntaughtError("the template shows it otherwise than the model writes it")


def _check_shown(conversation: Conversation, whole: str) -> None:
    """Raises `UnusableError` where the template leaves out what the model should read."""
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


def _render_next(rendering: _Rendering, at: int) -> str | None:
    """The text with a made turn after turn `at`; None when the template refuses it."""
    calls = rendering.conversation.turns[at].tool_calls
    more = [
        Turn("tool", "1", tool_call_id=call.get("id"), name=call["function"].get("name"))
        for call in calls
    ] or [Turn("user", "1")]
    try:
        return rendering.render(at + 1, more=more)
    except RefusedError:
        return None


def _end_of_reasoning(turn: Turn, text: str) -> int:
    """Where in the text of a turn its reasoning ends, with the mark that closes it."""
    reasoning = (turn.reasoning or "").strip()
    if turn.reasoning is None:
        return 0
    after = text.index(reasoning) + len(reasoning)
    content = turn.text.strip()
    if content and content in text[after:]:
        return text.index(content, after)
    closing = _CLOSING.match(text, after)
    return closing.end() if closing else after
