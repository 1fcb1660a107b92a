"""Fit conversations: lay them out, encode them, and leave turns out of the long ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.conversation import Conversation, Turn, wanted_turns
from sftdata.base.reasons import Reason, Status
from sftdata.examples.conversations.encode import EncodedPieces, Pieces
from sftdata.examples.conversations.ledger_details import write_left_out, write_untaught
from sftdata.examples.conversations.plain import PlainConversations
from sftdata.examples.fit import ExampleTokens
from sftdata.reading.outcomes import RowOutcomes
from sftdata.tokenizing.chat.layout import ConversationFormat, Layout
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.encoder import Encoder

LongConversations: TypeAlias = Literal["drop_turns", "drop"]
_INSTRUCTIONS = ("system", "developer")


@dataclass(frozen=True, slots=True)
class _Laid:
    """A conversation with its layout."""

    place: int
    text: str  # its canonical JSON
    layout: Layout


@dataclass(frozen=True)
class ConversationFitter:
    """Makes examples of conversations, at most `max_length` tokens long."""

    encoder: Encoder
    format: ConversationFormat
    plain: PlainConversations
    max_length: int | None
    all_turns: bool  # whether every assistant turn is in the loss, or only the last
    long: LongConversations

    def fit(
        self, column: pa.LargeStringArray, places: npt.NDArray[np.int64], outcomes: RowOutcomes
    ) -> ExampleTokens:
        """The examples of the conversations at `places` of a column of canonical JSON.

        The outcome of each of the others is a drop.
        """
        return self.fit_pieces(column, places, outcomes)[1]

    def fit_pieces(
        self, column: pa.LargeStringArray, places: npt.NDArray[np.int64], outcomes: RowOutcomes
    ) -> tuple[list[Pieces], ExampleTokens]:
        """As `fit`, with the pieces that were encoded for each example."""
        laid = []
        for place in places.tolist():
            text = column[place].as_py()
            try:
                layout = self.plain.lay_out(text)
                if layout is None:
                    layout = self._lay_out(Conversation.from_json(text))
            except UnusableError as error:
                outcomes.add_outcome(place, Status.DROPPED, error.reason, str(error))
            else:
                laid.append(_Laid(place, text, layout))
        encoded = self._encode(laid)
        if self.max_length is not None and (encoded.lengths > self.max_length).any():
            laid = self._shorten(laid, encoded.lengths, outcomes)
            encoded = self._encode(laid)
        for at in np.flatnonzero(encoded.unsafe).tolist():
            detail = "a turn holds a character the tokenizer cannot encode as text"
            outcomes.add_outcome(laid[at].place, Status.DROPPED, Reason.NOT_ENCODABLE, detail)
        kept = [one for one in laid if not outcomes.dropped[one.place]]
        for one in kept:
            _add_notes(one, outcomes)
        if len(kept) < len(laid):
            encoded = self._encode(kept)
        for at in np.flatnonzero(encoded.unknown).tolist():
            detail = "the vocabulary lacks a character of a turn"
            outcomes.add_outcome(kept[at].place, Status.FLAGGED, Reason.UNKNOWN_TOKEN, detail)
        return [one.layout.pieces for one in kept], ExampleTokens(
            np.array([one.place for one in kept], np.int64),
            np.ones(len(kept), np.bool_),
            encoded.token_batch(),
            encoded.stable(),
        )

    def _lay_out(self, conversation: Conversation) -> Layout:
        return self.format.lay_out(conversation, wanted_turns(conversation.turns, self.all_turns))

    def _encode(self, laid: Sequence[_Laid]) -> EncodedPieces:
        return EncodedPieces([one.layout.pieces for one in laid], self.encoder)

    def _shorten(
        self, laid: list[_Laid], lengths: npt.NDArray[np.int64], outcomes: RowOutcomes
    ) -> list[_Laid]:
        """The conversations, the long ones without turns at their start.

        Halves the number of exchanges to leave out in rounds, for all long conversations at once.
        """
        assert self.max_length is not None
        whole = {
            at: Conversation.from_json(laid[at].text)
            for at in np.flatnonzero(lengths > self.max_length).tolist()
        }
        ends = {
            at: _exchange_starts(conversation.turns) if self.long == "drop_turns" else []
            for at, conversation in whole.items()
        }
        fitting: dict[int, _Laid] = {}
        left: dict[int, int] = {}  # turns that are left
        low = dict.fromkeys(ends, 0)  # exchanges that are too few to leave out
        high = {at: len(starts) for at, starts in ends.items()}  # too many, or enough
        while open_ := [at for at in ends if high[at] - low[at] > 1]:
            tried = {}
            for at in open_:
                middle = (low[at] + high[at]) // 2
                shorter = _without_exchanges(whole[at], ends[at][middle])
                try:
                    tried[at] = replace(laid[at], layout=self._lay_out(shorter))
                except UnusableError:
                    high[at] = middle
            found = self._encode(list(tried.values())).lengths.tolist()
            for (at, one), length in zip(tried.items(), found, strict=True):
                middle = (low[at] + high[at]) // 2
                if length <= self.max_length:
                    high[at], fitting[at] = middle, one
                    left[at] = len(_without_exchanges(whole[at], ends[at][middle]).turns)
                else:
                    low[at] = middle
        for at in ends:
            size = f"{lengths[at]:,} tokens of at most {self.max_length:,}"
            place, turns = laid[at].place, len(whole[at].turns)
            if at in fitting:
                detail = write_left_out(turns - left[at], turns, size)
                outcomes.add_outcome(place, Status.CUT, Reason.FEWER_TURNS, detail)
            else:
                outcomes.add_outcome(place, Status.DROPPED, Reason.TOO_LONG, size)
        return [
            fitting.get(at, one) for at, one in enumerate(laid) if at not in ends or at in fitting
        ]


def _exchange_starts(turns: Sequence[Turn]) -> list[int]:
    """Where the exchanges start, each with a turn of the user; the first is after the system's."""
    return [
        at
        for at, turn in enumerate(turns)
        if turn.role == "user" and (at == 0 or turns[at - 1].role != "user")
    ]


def _without_exchanges(conversation: Conversation, start: int) -> Conversation:
    """The conversation from turn `start` on, with the instructions at its head."""
    return without_first(conversation, start - _end_of_instructions(conversation))


def without_first(conversation: Conversation, number: int) -> Conversation:
    """The conversation without its first turns after the instructions at its head."""
    turns, head = conversation.turns, _end_of_instructions(conversation)
    return replace(conversation, turns=turns[:head] + turns[head + number :])


def _end_of_instructions(conversation: Conversation) -> int:
    turns = conversation.turns
    return next((at for at, t in enumerate(turns) if t.role not in _INSTRUCTIONS), len(turns))


def _add_notes(laid: _Laid, outcomes: RowOutcomes) -> None:
    layout = laid.layout
    if layout.untaught:
        detail = write_untaught(layout.untaught)
        outcomes.add_outcome(laid.place, Status.FLAGGED, Reason.NOT_TAUGHT, detail)
    if layout.thinking:
        values = (f"turn {turn}: {str(value).lower()}" for turn, value in layout.thinking)
        outcomes.add_outcome(laid.place, Status.FLAGGED, Reason.THINKING, "; ".join(values))
