"""Stop tokens: where the text that a model writes for a turn ends.

Tokenizers name one (EOS) and `generation_config.json` more, but templates close turns with tokens
that neither names. So the template is asked, too: with a made answer, what does it write after it?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sftdata.base.conversation import Turn
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.tokenizing.chat.forms import Form
from sftdata.tokenizing.chat.template import ChatTemplate, RefusedError
from sftdata.tokenizing.tokenizer import Tokenizer

_QUESTION, _ANSWER = "Zq0qZ", "Zq1qZ"
_MADE = (Turn("user", _QUESTION), Turn("assistant", _ANSWER), Turn("user", _QUESTION))
_OPENS = re.compile(r"(?i)start|begin|bos|^<s>$")
_WORDS = re.compile(r"(?i)start_of_|end_of_|_?(start|begin|end)_?|[^0-9a-z]")


@dataclass(frozen=True, slots=True)
class _Control:
    """A control token in a text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Stops(PicklesFieldsOnly):
    """Finds the stop token of a turn in the template's text."""

    tokenizer: Tokenizer
    template: ChatTemplate

    @cached_property
    def _named(self) -> frozenset[str]:
        """The tokens that end every generation: EOS, and those of `generation_config.json`."""
        added = self.tokenizer.added_tokens
        return frozenset(t for t, token in added.items() if token["id"] in self.tokenizer.stop_ids)

    def find(self, own: str) -> list[int]:
        """Where the text that a turn adds may end, with its stop token; none if it has none.

        The first is where generation ends. The token that closes a plain answer may come earlier.
        """
        controls = list(self._controls(own))
        ends = [
            next((c.end for c in controls if c.text in tokens), None)
            for tokens in (self._named, self._closing)
        ]
        found = [end for end in ends if end is not None]
        if found or not controls or own[controls[-1].end :].strip() or _is_bracketed(controls):
            return found
        return [controls[-1].end]

    def first(self, text: str) -> int | None:
        """The end of the control token that `text` begins with, white space aside."""
        control = next(self._controls(text), None)
        return None if control is None or text[: control.start].strip() else control.end

    def end_of(self, token: str, text: str) -> int | None:
        """The end of the first `token` in `text`."""
        return next((c.end for c in self._controls(text) if c.text == token), None)

    def last_start(self, text: str) -> int | None:
        """Where the last control token in `text` starts."""
        return next((c.start for c in reversed(list(self._controls(text)))), None)

    def start_around(self, text: str, at: int) -> int:
        """The start of the control token that `at` is inside of; else `at`."""
        return next((c.start for c in self._controls(text) if c.start < at < c.end), at)

    def last_token(self, text: str) -> str:
        """The control token that `text` ends with."""
        return [control.text for control in self._controls(text)][-1]

    def _controls(self, text: str) -> Iterator[_Control]:
        for match in self.tokenizer.control_pattern.finditer(text):
            yield _Control(match.start(), match.end(), match[0])

    @cached_property
    def _closing(self) -> frozenset[str]:
        """The control token that closes a plain answer wherever it stands, if there is one."""
        for form in (Form(), Form(contents="parts")):
            try:
                last = self._after_answer(form, 2)
                inside = self._after_answer(form, 3)
            except RefusedError:
                continue
            if last is None or inside is None:
                continue
            shared = _common_tokens(list(self._controls(last)), list(self._controls(inside)))
            if inside.startswith(last) or not shared:
                shared = list(self._controls(last))
            else:  # the template goes on after an answer that is the last turn
                while shared and _OPENS.search(shared[-1].text):
                    shared.pop()
            if not shared or (last[shared[-1].end :].strip() and inside.startswith(last)):
                return frozenset()
            return frozenset([shared[-1].text])
        return frozenset()

    def _after_answer(self, form: Form, turns: int) -> str | None:
        messages: Sequence[Any] = form.to_messages(_MADE[:turns])
        _, found, after = self.template.render(messages).partition(_ANSWER)
        return after if found else None


def _common_tokens(first: list[_Control], second: list[_Control]) -> list[_Control]:
    shared = []
    for one, other in zip(first, second, strict=False):
        if one.text != other.text:
            break
        shared.append(one)
    return shared


def _is_bracketed(controls: Sequence[_Control]) -> bool:
    """Whether the last token closes one before it, as `</tool_call>` closes `<tool_call>`."""
    stem = _WORDS.sub("", controls[-1].text).lower()
    return any(_WORDS.sub("", control.text).lower() == stem for control in controls[:-1])
