"""The turns of a row, found in its ids and its mask by the control tokens of the chat template.

Where a role cannot be told for certain, it is None. A row whose turns cannot be told is shown as
stretches in and outside the loss.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from sftdata.base.conversation import ASSISTANT
from sftdata.errors import TemplateError
from sftdata.inspecting.rows.tokens import Token
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.sample_turns import Segment
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.chat.turn_marks import Header, PartMark, TurnMarks, learn_turn_marks
from sftdata.tokenizing.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer: "reasoning", "empty reasoning" or "call", in tokens of the row."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A turn, or a stretch of a row, from token `start` to before `end`."""

    role: str | None  # None: it cannot be told
    start: int
    end: int
    taught: int  # tokens in the loss
    parts: tuple[Part, ...] = ()  # of an answer
    has_text: bool = False  # besides its parts

    @property
    def kinds(self) -> list[str]:
        """The kinds of parts in the turn, each once."""
        kinds = [part.kind for part in self.parts] + ["text"] * self.has_text
        return list(dict.fromkeys(kinds))

    def to_json(self) -> dict[str, Any]:
        """The object in the list `turns` of `inspect --json`."""
        return {
            "role": self.role,
            "start": self.start,
            "end": self.end,
            "taught": self.taught > 0,
            "kinds": self.kinds,
        }


def recorded_marks(tokenizer: Tokenizer, chat: Mapping[str, Any] | None) -> TurnMarks | None:
    """The marks of the chat template of a dataset; None if it has none."""
    if not chat:
        return None
    date = chat.get("date")
    day = datetime.date.today() if date is None else datetime.date.fromisoformat(date)
    try:
        template = load_chat_template(tokenizer, chat["options"], day)
    except TemplateError:
        return None
    return learn_turn_marks(ConversationFormat(tokenizer, template))


def find_turns(tokens: Sequence[Token], text: str, marks: TurnMarks | None) -> list[ShownTurn]:
    """The turns of a row with the decoded text `text`, or its stretches."""
    turns = [] if marks is None else _Reader(tokens, text, marks).turns()
    return turns or list(_stretches(tokens))


def _stretches(tokens: Sequence[Token]) -> Iterator[ShownTurn]:
    start = 0
    for in_loss, group in groupby(tokens, key=lambda token: token.in_loss):
        size = len(list(group))
        yield ShownTurn(None, start, start + size, size * in_loss, has_text=True)
        start += size


@dataclass(frozen=True, slots=True)
class _Placed:
    """A segment of a row: a control token, or the text between two."""

    content: Segment
    start: int  # in tokens
    end: int

    @property
    def is_text(self) -> bool:
        """Whether it is text and more than white space."""
        return isinstance(self.content, str) and bool(self.content.strip())


def _segments(tokens: Sequence[Token], text: str) -> Iterator[_Placed]:
    start = 0
    for is_control, group in groupby(tokens, key=lambda token: token.is_control):
        run = list(group)
        if is_control:
            yield from (_Placed(t.id, at, at + 1) for at, t in enumerate(run, start))
        else:
            part = text[run[0].start : max(run[0].start, run[-1].end)]
            yield _Placed(part, start, start + len(run))
        start += len(run)


class _Reader:
    def __init__(self, tokens: Sequence[Token], text: str, marks: TurnMarks) -> None:
        self._tokens = tokens
        self._marks = marks
        self._segments = list(_segments(tokens, text))
        self._starts = {*marks.breaks, *(header.segments[0] for header in marks.headers)}

    def turns(self) -> list[ShownTurn]:
        """The turns; none if no header is found, or if another role's turn is taught."""
        found = self._find_headers()
        if all(header is None for _, header in found):
            return []
        if any(segment.is_text for segment in self._segments[: found[0][0]]):
            found.insert(0, (0, None))
        turns: list[ShownTurn] = []
        bounds = [0, *(at for at, _ in found[1:]), len(self._segments)]
        for (first, last), (at, header) in zip(pairwise(bounds), found, strict=True):
            turn = self._turn(first, last, at, header, turns[-1].end if turns else 0)
            if turn is not None:
                turns.append(turn)
        return [] if any(t.taught and t.role not in (None, ASSISTANT) for t in turns) else turns

    def _find_headers(self) -> list[tuple[int, Header | None]]:
        """The segment where each turn starts, and its header; None if that cannot be told.

        A control token that turns of the role are not known to hold starts something unknown.
        """
        found: list[tuple[int, Header | None]] = []
        after, header = 0, None
        unknown: int | None = None
        for at, segment in enumerate(self._segments):
            if at < after or isinstance(segment.content, str):
                continue
            if segment.content in self._starts:
                if unknown is not None and self._has_substance(unknown, at):
                    found.append((unknown, None))
                new, size = self._header(at)
                after = at + size
                if header is not None and self._is_inside(at, size, new, header):
                    continue
                header, unknown = new, at if new is None else None
                if header is not None:
                    found.append((at, header))
            elif header is not None and not self._is_known(at, header.role):
                header, unknown = None, at
                if at == after:  # it may be a part of another header
                    unknown, _ = found.pop()
        return found if unknown is None else [*found, (unknown, None)]

    def _is_inside(self, at: int, size: int, new: Header | None, before: Header) -> bool:
        """Whether a token that may start a turn belongs to the one before.

        It is no header, or it closes that turn, because another header follows at once.
        """
        if not self._is_known(at, before.role):
            return False
        if new is None:
            return self._segments[at].content not in self._marks.breaks
        following = self._segments[at + 1 : at + 2]
        return size == 1 and bool(following) and following[0].content in self._starts

    def _has_substance(self, start: int, end: int) -> bool:
        return any(s.is_text or self._tokens[s.start].in_loss for s in self._segments[start:end])

    def _header(self, at: int) -> tuple[Header | None, int]:
        matching = [h for h in self._marks.headers if self._starts_with(at, h.segments)]
        if not matching:
            return None, 1
        longest = max(matching, key=lambda header: (len(header.segments), str(header.segments)))
        size = len(longest.segments)
        doubtful = any(h.role != longest.role and _may_be_content(h, longest) for h in matching)
        return (None, 1) if doubtful else (longest, size)

    def _starts_with(self, at: int, wanted: Sequence[Segment]) -> bool:
        found = [placed.content for placed in self._segments[at : at + len(wanted)]]
        *inner, last = wanted
        if len(found) == len(inner) and isinstance(last, str) and not last.strip():
            found.append("")
        if len(found) < len(wanted) or any(map(_differ, inner, found)):
            return False
        if isinstance(last, str) and isinstance(found[-1], str):
            return found[-1].lstrip(" ").startswith(last.lstrip(" "))
        return not _differ(last, found[-1]) or (isinstance(last, str) and not last.strip())

    def _is_known(self, at: int, role: str) -> bool:
        is_last = at == len(self._segments) - 1  # EOS, where the template writes no stop token
        return is_last or (role, self._segments[at].content) in self._marks.inside

    def _turn(
        self, first: int, last: int, at: int, header: Header | None, after: int
    ) -> ShownTurn | None:
        """The turn of the segments from `first` to before `last`, with its header at `at`.

        None if all of it belongs to the turn before, which ends at token `after`.
        """
        start, end = max(self._segments[first].start, after), self._segments[last - 1].end
        # The stop token of an answer may be the control token that starts the next turn.
        while 0 < end < len(self._tokens) and all(
            t.in_loss for t in self._tokens[end - 1 : end + 1]
        ):
            end += 1
        if start >= end:
            return None
        taught = sum(token.in_loss for token in self._tokens[start:end])
        if header is None:
            return ShownTurn(None, start, end, taught, has_text=True)
        until = next(
            (n for n in range(last, len(self._segments)) if self._segments[n].start >= end), None
        )
        segments = self._segments[at:until]
        parts = list(self._parts(segments)) if header.role == ASSISTANT else []
        texts = [part for part in parts if part.kind == "text"]
        others = tuple(part for part in parts if part.kind != "text")
        is_marked = header.role == ASSISTANT and any(m.kind == "text" for m in self._marks.parts)
        has_text = bool(texts) if is_marked else _has_text(segments, header, others)
        return ShownTurn(header.role, start, end, taught, others, has_text)

    def _parts(self, segments: Sequence[_Placed]) -> Iterator[Part]:
        at = 1
        while at < len(segments):
            mark = self._part_mark([placed.content for placed in segments], at)
            if mark is None:
                at += 1
                continue
            inner = at + len(mark.opening)
            end = next(
                (
                    n
                    for n in range(inner, len(segments))
                    if isinstance(segments[n].content, int)
                    and mark.closing in (None, segments[n].content)
                ),
                len(segments) - 1,
            )
            holds = any(placed.is_text for placed in segments[inner : end + 1])
            if holds or mark.kind == "reasoning":
                kind = mark.kind if holds else f"empty {mark.kind}"
                yield Part(kind, segments[at].start, segments[end].end)
            at = end + 1

    def _part_mark(self, contents: Sequence[Segment], at: int) -> PartMark | None:
        for mark in self._marks.parts:
            found = contents[at : at + len(mark.opening)]
            if len(found) == len(mark.opening) and not any(map(_differ, mark.opening, found)):
                return mark
        return None


def _differ(wanted: Segment, found: Segment) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted.strip() != found.strip()
    return wanted != found


def _may_be_content(header: Header, longer: Header) -> bool:
    """Whether a turn with `header` may have a content that reads like the rest of `longer`."""
    size = len(header.segments)
    rest = longer.segments[size:]
    return header.segments[-1] != longer.segments[size - 1] or not rest or isinstance(rest[0], str)


def _has_text(segments: Sequence[_Placed], header: Header, parts: Sequence[Part]) -> bool:
    """Whether there is text besides the header and the parts."""
    size = len(header.segments)
    last = header.segments[-1]
    for at, placed in enumerate(segments):
        if at < size - 1 or any(part.start <= placed.start < part.end for part in parts):
            continue
        if at == size - 1 and isinstance(last, str) and isinstance(placed.content, str):
            if placed.content.lstrip(" ")[len(last.lstrip(" ")) :].strip():
                return True
        elif placed.is_text:
            return True
    return False
