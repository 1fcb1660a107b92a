"""Guard the data of a conversation: nothing in it may read like a control token.

A control token that stands in a content is text. Its first character is replaced by a stand-in, a
private-use character, so that every control token in the rendered text is the template's own. The
same is done where a string ends with the beginning of a control token, or begins with the end of
one, because the text around it could complete the token. Stand-ins are put back before encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sftdata.base.pickling import PicklesFieldsOnly

# Where the stand-ins start: in one of the private-use areas of Unicode that the row leaves free.
_AREAS = (0xE000, 0xF0000, 0x100000)
_ESCAPED = '"\\'  # JSON writes these in another way


@dataclass(frozen=True)
class Guard(PicklesFieldsOnly):
    """Replaces control-like text in strings, and puts it back."""

    tokens: tuple[str, ...]
    template: str = ""  # the source of the chat template: its characters are no stand-ins

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.tokens, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    @cached_property
    def _starts(self) -> dict[int, frozenset[str]]:
        """The proper prefixes of the tokens, by length."""
        return _by_length(token[:n] for token in self.tokens for n in range(1, len(token)))

    @cached_property
    def _ends(self) -> dict[int, frozenset[str]]:
        """The proper suffixes of the tokens, by length."""
        return _by_length(token[n:] for token in self.tokens for n in range(1, len(token)))

    @cached_property
    def _first(self) -> str:
        return "".join({token[0] for token in self.tokens})

    @cached_property
    def _last(self) -> str:
        return "".join({token[-1] for token in self.tokens})

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.tokens), default=0)

    @cached_property
    def _alphabet(self) -> list[str]:
        return sorted(set().union(*self.tokens))

    def area(self, texts: str) -> int | None:
        """The start of stand-ins that do not occur in `texts`; None if there is none."""
        size = len(self._alphabet)
        for start in _AREAS:
            used = re.compile(f"[{chr(start)}-{chr(start + size)}]")
            if not used.search(texts) and not used.search(self.template):
                return start
        return None

    def is_needed(self, text: str) -> bool:
        """Whether a string in the JSON `text` may need stand-ins: a quick look at all of it."""
        return any(char in text for char in self._first + self._last)

    def replace(self, value: Any, area: int) -> Any:
        """The value with stand-ins in its strings, and in the keys of its objects."""
        if isinstance(value, str):
            return self._replace_text(value, area)
        if isinstance(value, dict):
            return {
                self._replace_text(key, area): self.replace(item, area)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.replace(item, area) for item in value]
        return value

    def put_back(self, text: str, area: int) -> str:
        """The text with the characters that the stand-ins stand for."""
        return text.translate(self._table(area))

    def has_escaped(self, text: str, area: int) -> bool:
        """Whether a template wrote a stand-in as a JSON escape, so that it cannot be put back."""
        lower = text.lower()
        return "\\u" in lower and any(
            json_escape in lower
            for json_escape in (_escape(area + n) for n in range(len(self._alphabet)))
        )

    def _table(self, area: int) -> dict[int, str]:
        return {area + n: char for n, char in enumerate(self._alphabet)}

    def _replace_text(self, text: str, area: int) -> str:
        if any(char in text for char in self._first):
            while match := self._pattern.search(text):
                text = self._replace_at(text, match.start() + _breakable(match[0]), area)
            end = len(text.rstrip())
            if any(char in text[max(0, end - self._longest) :] for char in self._first):
                for edge in dict.fromkeys((len(text), end)):
                    if _has_edge(text[:edge], self._starts, at_end=True):
                        text = self._replace_at(text, edge - 1, area)
        start = len(text) - len(text.lstrip())
        if any(char in text[: start + self._longest] for char in self._last):
            for edge in dict.fromkeys((0, start)):
                if _has_edge(text[edge:], self._ends, at_end=False):
                    text = self._replace_at(text, edge, area)
        return text

    def _replace_at(self, text: str, at: int, area: int) -> str:
        stand_in = chr(area + self._alphabet.index(text[at]))
        return text[:at] + stand_in + text[at + 1 :]


def _has_edge(text: str, parts: dict[int, frozenset[str]], *, at_end: bool) -> bool:
    return any(
        (text[-length:] if at_end else text[:length]) in found
        for length, found in parts.items()
        if length <= len(text)
    )


def _by_length(parts: Iterable[str]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for part in parts:
        found.setdefault(len(part), set()).add(part)
    return {length: frozenset(texts) for length, texts in sorted(found.items())}


def _breakable(token: str) -> int:
    """The place of the first character that JSON does not escape."""
    return next((at for at, char in enumerate(token) if char not in _ESCAPED), 0)


def _escape(code: int) -> str:
    return json_units(chr(code))


def json_units(char: str) -> str:
    """The JSON escape of a character, in lower case."""
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
