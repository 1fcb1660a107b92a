"""Render the turns of a conversation in the form that its chat template takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from sftdata.base.conversation import Conversation, Turn
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.base.reasons import Reason
from sftdata.tokenizing.chat.forms import Form, ReasoningForm, possible_forms
from sftdata.tokenizing.chat.template import NO_OPTIONS, ChatTemplate, Message, RefusedError

Found = TypeVar("Found")


class UnusableError(Exception):
    """A conversation that cannot be shown or taught exactly."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class UntaughtError(Exception):
    """A turn that cannot be taught in this example."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """Renders the first turns of a conversation in one form."""

    template: ChatTemplate
    conversation: Conversation
    form: Form
    messages: Sequence[Message]

    def render(
        self,
        turns: int,
        *,
        generate: bool = False,
        more: Sequence[Turn] = (),
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> str:
        """The text of the first `turns` turns, and of `more` after them."""
        return self.template.render(
            [*self.messages[:turns], *self.form.to_messages(more)],
            tools=self.conversation.tools,
            documents=self.conversation.documents,
            generate=generate,
            options=options,
        )

    def render_fed(self, at: int, whole: str) -> tuple[str, bool | None]:
        """The prompt that a server sends for turn `at`, and the `enable_thinking` for it, if any.

        A model reasons before its answer if thinking is on. Some templates show answers of one
        kind, although their default generation prompt is for the other.
        """
        fed = self.render(at, generate=True)
        if whole.startswith(fed):
            return fed, None
        if self.template.can_switch_thinking:
            thinks = bool(self.conversation.turns[at].reasoning)
            fed = self.render(at, generate=True, options={"enable_thinking": thinks})
            if whole.startswith(fed):
                return fed, thinks
        before, default = self.render(at), self.render(at, generate=True)
        if whole.startswith(before) and default.startswith(before):
            header = repr(default[len(before) :])
            raise UntaughtError(
                f"its prompt ends with {header}, but the template shows the turn with another start"
            )
        raise UntaughtError("in its prompt the template shows the turns before it differently")

    def render_next(self, at: int) -> str | None:
        """The text with a made turn after turn `at`; None when the template refuses it."""
        calls = self.conversation.turns[at].tool_calls
        more = [
            Turn("tool", "1", tool_call_id=call.get("id"), name=call["function"].get("name"))
            for call in calls
        ] or [Turn("user", "1")]
        try:
            return self.render(at + 1, more=more)
        except RefusedError:
            return None


@dataclass(frozen=True)
class FormSearch(PicklesFieldsOnly):
    """Finds the form in which a template takes a conversation."""

    template: ChatTemplate

    def find_best(
        self,
        conversation: Conversation,
        render: Callable[[Rendering], str],
        lay_out: Callable[[Rendering, str], Found],
        count_faults: Callable[[Found], int],
    ) -> Found:
        """The result of `lay_out` for the form with the fewest faults; the first of several.

        Forms that give the same text are tried once.
        Raises `UnusableError`, about the first form that was tried, when no form can be used.
        """
        first_error: UnusableError | None = None
        best: Found | None = None
        refused: set[str] = set()
        seen: set[str] = set()
        for form in possible_forms(conversation.turns, self._reasoning):
            if form.developer in refused:
                continue
            messages = form.to_messages(conversation.turns)
            rendering = Rendering(self.template, conversation, form, messages)
            try:
                text = render(rendering)
                if text in seen:
                    continue
                seen.add(text)
                found = lay_out(rendering, text)
            except RefusedError as error:
                detail = f"the chat template says: {error}"
                first_error = first_error or UnusableError(Reason.REFUSED, detail)
                if error.is_explicit:  # not about the form of the turns
                    refused.add(form.developer)
            except UnusableError as error:
                first_error = first_error or error
            else:
                if best is None or count_faults(found) < count_faults(best):
                    best = found
                if not count_faults(found):
                    break
        if best is not None:
            return best
        assert first_error is not None
        raise first_error

    @cached_property
    def _reasoning(self) -> ReasoningForm:
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
