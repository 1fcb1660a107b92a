"""The marks that a chat template writes around turns; with them, ids alone show the turns.

Made conversations are laid out as a build does it. What stands before the made texts, from a
control token on, are the headers of the roles; what opens and closes reasoning and calls are the
marks of the parts. Data never holds a control token, so a header in a row is the template's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sftdata.base.conversation import ASSISTANT, DEVELOPER, SYSTEM
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.sample_turns import DATA, Item, Segment, StandIn, lay_out_samples


@dataclass(frozen=True, slots=True)
class Header:
    """The start of a turn of a role: a control token and what follows it."""

    role: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class PartMark:
    """The opening of a part of an answer, and the control token that closes it, if one does."""

    kind: str  # "reasoning", "call" or "text"
    opening: tuple[Segment, ...]
    closing: int | None


@dataclass(frozen=True)
class TurnMarks:
    """The headers of the roles, the marks of the parts, and what else a turn may hold."""

    headers: tuple[Header, ...]
    parts: tuple[PartMark, ...]
    breaks: frozenset[int]  # control tokens that start text of the template itself
    inside: frozenset[tuple[str, int]]  # role, and a control token that its turns may hold


def learn_turn_marks(chat: ConversationFormat) -> TurnMarks | None:
    """The marks of a template; None when it writes no control token between its turns."""
    probes = list(lay_out_samples(chat))
    if not probes:
        return None
    stops = frozenset(chat.stop_ids)
    openings = _opening_tokens(probes) - stops
    quotes = _quotes(probes) - openings - stops
    learner = _Learner(openings, quotes, stops, _closers(probes))
    try:
        for items in probes:
            learner.add(items)
    except _InseparableError:
        return None
    return learner.marks()


class _InseparableError(Exception):
    """No control token stands between an answer and another turn."""


def _opening_tokens(probes: Sequence[list[Item]]) -> frozenset[int]:
    """Control tokens that start a conversation and recur in it: no BOS."""
    found = set()
    for items in probes:
        for item in items:
            if not isinstance(item, int):
                if isinstance(item, StandIn) or item.strip():
                    break
            elif items.count(item) > 1:
                found.add(item)
    return frozenset(found)


def _quotes(probes: Sequence[list[Item]]) -> frozenset[int]:
    """Control tokens that stand on both sides of a text: the quotation marks of a template."""
    return frozenset(
        before
        for items in probes
        for before, item, after in zip(items, items[1:], items[2:], strict=False)
        if isinstance(item, StandIn) and isinstance(before, int) and before == after
    )


def _closers(probes: Sequence[list[Item]]) -> frozenset[tuple[str, int]]:
    """Roles with the control token that comes first after their turns, whatever turn is next."""
    found: dict[str, dict[str, set[Item]]] = {}
    for items in probes:
        stands = [at for at, item in enumerate(items) if isinstance(item, StandIn)]
        for at, after in pairwise(stands):
            this, other = _stand_in(items, at), _stand_in(items, after)
            first = next((item for item in items[at:after] if isinstance(item, int)), None)
            if this.turn != other.turn and first is not None:
                found.setdefault(this.role, {}).setdefault(other.role, set()).add(first)
    closers = set()
    for role, firsts in found.items():
        shared = set[Item].intersection(*firsts.values()) if len(firsts) > 1 else set()
        closers |= {(role, item) for item in shared if isinstance(item, int)}
    return frozenset(closers)


class _Learner:
    def __init__(
        self,
        openings: frozenset[int],
        quotes: frozenset[int],
        stops: frozenset[int],
        closers: frozenset[tuple[str, int]],
    ) -> None:
        self._openings = openings
        self._quotes = quotes
        self._stops = stops
        self._closers = closers
        self._without_calls: set[Segment] = set()  # control tokens of answers without calls
        self._headers: dict[tuple[str, Segment], tuple[Segment, ...]] = {}
        self._parts: dict[str, set[tuple[tuple[Segment, ...], int]]] = {}
        self._plain_text = False  # whether a content stands somewhere without an opening
        self._breaks: set[int] = set()
        self._inside: set[tuple[str, int]] = set()

    def add(self, items: list[Item]) -> None:
        stands = [at for at, item in enumerate(items) if isinstance(item, StandIn)]
        starts = [self._start(items, 0, stands[0], None)]
        firsts, roles = [stands[0]], [_stand_in(items, stands[0]).role]
        for before, at in pairwise(stands):
            last, this = _stand_in(items, before), _stand_in(items, at)
            if last.turn == this.turn:
                continue
            if not any(isinstance(item, int) for item in items[before + 1 : at]):
                if ASSISTANT in (last.role, this.role):
                    raise _InseparableError
                roles[-1] = this.role  # the instructions stand in the user's turn
                continue
            starts.append(self._start(items, before + 1, at, last.role))
            firsts.append(at)
            roles.append(this.role)
        for start, end, first, role in zip(
            starts, [*starts[1:], len(items)], firsts, roles, strict=True
        ):
            self._add_turn(items[start:end], first - start, role)

    def _start(self, items: list[Item], begin: int, end: int, before: str | None) -> int:
        """Where the header of the turn starts whose first stand-in is at `end`.

        `before`: the role of the turn before, whose text ends at `begin`.
        """
        controls = [at for at in range(begin, end) if self._is_mark(items[at])]
        if not controls:
            raise _InseparableError
        known = [at for at in controls if items[at] in self._openings]
        new = [at for at in controls if not self._is_closing(before, items[at])]
        start = known[-1] if known else new[0] if new and before else controls[-1]
        while start - 1 in known:
            start -= 1
        said = [at for at in range(begin, start) if str(items[at]).strip() and at not in controls]
        opening = [at for at in controls if said and at < said[0]]
        if opening and before != SYSTEM:  # a list of tools after it is a part of the system turn
            self._breaks.add(int(items[opening[-1]]))  # type: ignore[arg-type]
        return start

    def _is_closing(self, role: str | None, item: Item) -> bool:
        return item in self._stops or (role, item) in self._closers

    def _is_mark(self, item: Item) -> bool:
        return isinstance(item, int) and item not in self._quotes

    def _add_turn(self, turn: list[Item], first: int, role: str) -> None:
        header = _without_data([i for i in turn[:first] if not isinstance(i, StandIn)])
        if len(header) > 1 and isinstance(header[-1], str) and not header[-1].strip():
            header = header[:-1]
        key = (role, header[0])
        self._headers[key] = _common_start(self._headers.get(key, header), header)
        self._inside |= {(role, item) for item in turn[1:] if isinstance(item, int)}
        if role != ASSISTANT:
            return
        stands = [at for at, item in enumerate(turn) if isinstance(item, StandIn)]
        if all(_stand_in(turn, at).kind != "call" for at in stands):
            self._without_calls |= {item for item in turn if isinstance(item, int)}
        for at, after in pairwise([*stands, len(turn)]):
            kind = _stand_in(turn, at).kind
            marks = [i for i in turn[at:after] if isinstance(i, int) and i not in self._quotes]
            opening = self._call(turn[:at]) if kind == "call" else self._opening(turn[:at])
            if not opening:
                self._plain_text |= kind == "text"
                continue
            if kind == "call":  # another one may follow it
                inner = [mark for mark in marks if mark not in self._stops] or marks
                marks = inner[-1:] if after == len(turn) else []
            if marks:
                self._parts.setdefault(kind, set()).add((opening, marks[0]))

    def _call(self, before: Sequence[Item]) -> tuple[Segment, ...]:
        """The first control token that no answer without calls has, or else as for other parts."""
        own = [i for i in before if isinstance(i, int) and self._is_mark(i)]
        new = next((i for i in own if i not in self._without_calls), None)
        return self._opening(before) if new is None else (new,)

    def _opening(self, before: Sequence[Item]) -> tuple[Segment, ...]:
        """The control token before a text, with the words and control tokens right before it.

        Empty when that is the control token which starts the turn.
        """
        at = len(before) - 1
        while at > 0 and not self._is_mark(before[at]):
            if isinstance(before[at], StandIn):
                return ()
            at -= 1
        if at <= 0:
            return ()
        start = at
        while start >= 3 and str(before[start - 1]).strip() and isinstance(before[start - 1], str):
            if not isinstance(before[start - 2], int):
                break
            start -= 2
        segments = [item for item in before[start : at + 1] if not isinstance(item, StandIn)]
        opening = _without_data(segments)
        return opening[:-1] if isinstance(opening[-1], str) else opening

    def marks(self) -> TurnMarks:
        shared = {header for (role, _), header in self._headers.items() if role == SYSTEM}
        headers = tuple(
            Header(role, header)
            for (role, _), header in self._headers.items()
            if role != DEVELOPER or header not in shared  # the model reads it as a system turn
        )
        return TurnMarks(
            headers, tuple(self._part_marks()), frozenset(self._breaks), frozenset(self._inside)
        )

    def _part_marks(self) -> Iterator[PartMark]:
        closings = {c for kind, some in self._parts.items() if kind != "text" for _, c in some}
        for kind, found in self._parts.items():
            if kind == "text" and (self._plain_text or {o[0] for o, _ in found} & closings):
                continue
            others = {o for other, some in self._parts.items() if other != kind for o, _ in some}
            for opening in {o for o, _ in found} - others:
                ends = {closing for o, closing in found if o == opening}
                yield PartMark(kind, opening, ends.pop() if len(ends) == 1 else None)


def _stand_in(items: Sequence[Item], at: int) -> StandIn:
    item = items[at]
    assert isinstance(item, StandIn)
    return item


def _without_data(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments up to where the name of the tool or of its argument stands."""
    kept: list[Segment] = []
    for segment in segments:
        text = DATA.split(segment)[0] if isinstance(segment, str) else segment
        if text != "":
            kept.append(text)
        if text != segment:
            break
    return tuple(kept)


def _common_start(first: tuple[Segment, ...], second: tuple[Segment, ...]) -> tuple[Segment, ...]:
    shared: list[Segment] = []
    for one, other in zip(first, second, strict=False):
        if one == other:
            shared.append(one)
            continue
        if isinstance(one, str) and isinstance(other, str):
            size = next(
                (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)),
            )
            if size:
                shared.append(one[:size])
        break
    return tuple(shared)
