"""Find the text that a model writes for a turn: from the end of its prompt to its stop token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sftdata.base.conversation import Turn
from sftdata.tokenizing.chat.rendering import Rendering, UntaughtError
from sftdata.tokenizing.chat.shown import find_unshown
from sftdata.tokenizing.chat.split import TaughtSpan
from sftdata.tokenizing.chat.stops import Stops

# What closes a reasoning, white space included: `</think>`, `<|end|>` …
_CLOSING = re.compile(r"\s*(<[^<>]*>|\[[^\[\]]*\])?\s*")


@dataclass(frozen=True, slots=True)
class Taught:
    """The text of a turn that the model writes: a part of the template's text, and `more`."""

    span: TaughtSpan
    more: str  # the stop token, where only the turn after it would bring it
    needs_eos: bool  # the template writes no stop token at all
    thinking: bool | None  # the option `enable_thinking` that its prompt takes


def find_taught(
    rendering: Rendering, whole: str, at: int, stops: Stops, *, teach_reasoning: bool
) -> Taught:
    """The text that the model writes for the turn `at` in the text `whole`.

    Raises `UntaughtError`, or `RefusedError` where the template refuses the turns before it.
    """
    fed, thinking = rendering.render_fed(at, whole)
    is_last = at == len(rendering.messages) - 1
    shown = whole if is_last else rendering.render(at + 1)
    if not shown.startswith(fed):
        raise UntaughtError("the template does not go on from its own generation prompt")
    own, more, needs_eos = shown[len(fed) :], "", False
    ends = stops.find(own)
    if ends:
        end = _end_in_whole([own[:end] for end in ends], whole[len(fed) :], stops)
    else:
        after = whole if not is_last else rendering.render_next(at)
        if after is not None and after.startswith(shown):
            more = after[len(shown) :][: stops.first(after[len(shown) :]) or 0]
        needs_eos = is_last and not more
        if not is_last and not more:
            raise UntaughtError("no stop token follows it")
        end = len(own) + len(more)
    turn = rendering.conversation.turns[at]
    text = (whole + more if is_last else whole)[len(fed) : len(fed) + end]
    missing = find_unshown(turn, text)
    if missing is not None:
        raise UntaughtError(f"the template does not show its {missing}")
    skipped = 0 if teach_reasoning else _end_of_reasoning(turn, text)
    span = TaughtSpan(len(fed), len(fed) + skipped, len(fed) + end)
    return Taught(span, more if is_last else "", needs_eos, thinking)


def _end_in_whole(written: Sequence[str], rest: str, stops: Stops) -> int:
    """Where a turn ends in `rest`; the model writes it as the first of `written`.

    The others are without some of the tokens at its end: templates may leave those out where the
    answer isn't the last. They may also leave out what they put before a last answer.
    """
    for text in written:
        if rest.startswith(text):
            return len(text)
    for text in written:
        end = stops.end_of(stops.last_token(text), rest)
        if end is not None and text.endswith(rest[:end]):
            return end
    raise UntaughtError("the template shows it differently from how the model writes it")


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
