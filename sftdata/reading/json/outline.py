"""The outline of one JSON object: its keys and the kinds of their values, without parsing it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sftdata.reading.json.scanner import (
    COLON,
    COMMA,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    Scanner,
    Tokens,
)

Kind = Literal["text", "list", "object", "other"]

_BLOCK_BYTES = 1024 * 1024
_LONGEST_KEY = 1024  # bytes; more of a text is not kept
_KINDS: dict[int, Kind] = {QUOTE: "text", OPEN_LIST: "list", OPEN_OBJECT: "object"}


@dataclass(frozen=True, slots=True)
class Member:
    """A key of an object and its value."""

    key: str
    kind: Kind = "other"
    start: int = 0  # byte of the stream at which a list or an object begins
    items: int = 0  # of a list or an object
    first: Kind = "other"  # kind of the first item of a list


@dataclass(frozen=True, slots=True)
class ObjectOutline:
    """The first value of a stream, which is an object."""

    members: list[Member]
    is_on_one_line: bool
    follows: bytes  # the first byte after it that is no blank; none at the end of the stream
    follows_on_new_line: bool


def outline_object(stream: Any) -> ObjectOutline | None:
    """The outline of the object that a stream begins with; None if the stream ends inside it."""
    scanner, members = Scanner(commas=True), _Members()
    block = bytearray(_BLOCK_BYTES)
    offset = lines = 0
    while size := stream.readinto(block):
        data = np.frombuffer(block, np.uint8, size)
        tokens = scanner.scan(data)
        end = members.add(tokens, data, offset)
        if end is not None:
            lines += int(np.searchsorted(tokens.line_ends, end))
            rest = block[end + 1 : size]
            while not rest.strip() and (more := stream.read(_BLOCK_BYTES)):
                rest += more
            text = rest.lstrip()
            blank = rest[: len(rest) - len(text)]
            return ObjectOutline(members.found, lines == 0, bytes(text[:1]), b"\n" in blank)
        lines += len(tokens.line_ends) if members.has_begun else 0
        offset += size
    return None


@dataclass
class _Members:
    """Collects the members of an object from its tokens."""

    found: list[Member] = field(default_factory=list)
    has_begun: bool = False
    _key: str | None = None
    _member: Member | None = None
    _text: bytearray | None = None  # of the text that is open at depth 1
    _last_text: bytes = b""
    _commas: int = 0  # between the items of all members so far
    _commas_before: int = 0  # those before the open member
    _after_open: bool = False  # whether the last token has opened a member's value

    def add(self, tokens: Tokens, data: npt.NDArray[np.uint8], offset: int) -> int | None:
        """Takes the tokens of a block; where the object ends in it, if it does."""
        opens = (tokens.step == 1) & (tokens.depth == 2)
        after_open = np.concatenate(([self._after_open], opens[:-1]))[: len(opens)]
        commas = self._commas + np.cumsum((tokens.byte == COMMA) & (tokens.depth == 2))
        if len(opens):
            self._after_open, self._commas = bool(opens[-1]), int(commas[-1])
        text_from = 0
        for i in np.flatnonzero((tokens.depth <= 1) | opens | after_open).tolist():
            at, byte, depth = int(tokens.at[i]), int(tokens.byte[i]), int(tokens.depth[i])
            if after_open[i] and self._member is not None:
                self._member = replace(self._member, first=_KINDS.get(byte, "other"))
            if depth == 2 and opens[i]:
                self._member = Member(self._key or "", _KINDS[byte], offset + at)
                self._commas_before = int(commas[i])
            elif depth == 1 and tokens.step[i] == -1 and self._member is not None:
                items = int(commas[i]) - self._commas_before + 1
                is_empty = offset + at == self._member.start + 1
                self._member = replace(self._member, items=0 if is_empty else items)
            elif depth == 1 and byte == QUOTE and self._text is None:
                self._text, text_from = bytearray(), at + 1
            elif depth == 1 and byte == QUOTE and self._text is not None:
                self._last_text = bytes(self._text + data[text_from:at].tobytes())
                self._text = None
                if self._key is not None:
                    self._member = Member(self._key, "text")
            elif depth == 1 and byte == COLON:
                self._key = _decode(self._last_text)
            elif depth == 1 and byte == COMMA:
                self._finish_member()
            elif depth == 1 and byte == OPEN_OBJECT:
                self.has_begun = True
            elif depth <= 0:
                self._finish_member()
                return at
        if self._text is not None and len(self._text) < _LONGEST_KEY:
            self._text += data[text_from:].tobytes()
        return None

    def _finish_member(self) -> None:
        if self._key is not None:
            self.found.append(self._member or Member(self._key))
        self._key = self._member = None


def _decode(text: bytes) -> str:
    try:
        return str(json.loads(b'"' + text + b'"'))
    except ValueError:
        return text.decode("utf-8", "replace")
