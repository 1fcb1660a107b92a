"""Encode the pieces of many conversations: all texts in two calls, no ids in Python."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sftdata.base.arrow import texts
from sftdata.examples.boundary import is_boundary_stable
from sftdata.examples.layout import Segment
from sftdata.examples.tokens import EncodedSegment, TokenBatch
from sftdata.tokenizing.chat.split import Piece
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import Encoder

Pieces = Sequence[Piece]
Numbers = npt.NDArray[np.int64]


class EncodedPieces:
    """The tokens of the pieces of each row. Equal texts are encoded once."""

    def __init__(self, rows: Sequence[Pieces], encoder: Encoder) -> None:
        flat = [piece for pieces in rows for piece in pieces]
        texts_of: tuple[dict[str, int], dict[str, int]] = ({}, {})  # prompts, continuations
        for piece in flat:
            if isinstance(piece.content, str):
                known = texts_of[piece.continues]
                known.setdefault(piece.content, len(known))
        encoded = [
            encode(texts(list(known)))
            for known, encode in zip(
                texts_of, (encoder.encode_prompts, encoder.encode_targets), strict=True
            )
        ]
        control = sorted({piece.content for piece in flat if isinstance(piece.content, int)})
        singles = EncodedTexts(np.array(control, np.int32), np.arange(len(control) + 1))
        first = np.cumsum([0, *(len(known) for known in texts_of)]).tolist()
        place = {token: first[2] + at for at, token in enumerate(control)}
        index = [
            place[piece.content]
            if isinstance(piece.content, int)
            else first[piece.continues] + texts_of[piece.continues][piece.content]
            for piece in flat
        ]
        self._encoder = encoder
        self._rows = rows
        self._index = np.array(index, np.int64)
        self._table = EncodedTexts.concatenate([*encoded, singles])
        counts = np.array([len(pieces) for pieces in rows], np.int64)
        self._bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
        self._unsafe, self._unknown = (np.zeros(first[2] + len(control), np.bool_) for _ in "ab")
        for part, start in zip(encoded, first, strict=False):
            self._unsafe[start + encoder.find_unsafe(part)] = True
            self._unknown[start + encoder.find_unknown(part)] = True

    @property
    def lengths(self) -> Numbers:
        """int64[rows], in tokens."""
        return self._sum_by_row(self._table.lengths[self._index])

    @property
    def unsafe(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a text that the tokenizer cannot encode as text."""
        return self._sum_by_row(self._unsafe[self._index].astype(np.int64)) > 0

    @property
    def unknown(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a character that the vocabulary lacks."""
        return self._sum_by_row(self._unknown[self._index].astype(np.int64)) > 0

    def _sum_by_row(self, values: Numbers) -> Numbers:
        total = np.concatenate((np.zeros(1, np.int64), np.cumsum(values)))
        return np.asarray(np.diff(total[self._bounds]))

    @property
    def ids(self) -> npt.NDArray[np.int32]:
        """The ids of all rows, one after another."""
        return self._table.take(self._index).ids

    def token_batch(self) -> TokenBatch:
        """The tokens of all rows. Each row has at least one piece in the loss."""
        tokens = self._table.take(self._index)
        flat = [piece.in_loss for pieces in self._rows for piece in pieces]
        in_loss = np.array(flat, np.bool_)
        mask = np.repeat(in_loss, tokens.lengths)
        offsets = tokens.offsets[self._bounds]
        starts = [
            start + next(at for at, piece in enumerate(pieces) if piece.in_loss)
            for start, pieces in zip(self._bounds.tolist(), self._rows, strict=False)
        ]
        target_start = tokens.offsets[np.array(starts, np.int64)] - offsets[:-1]
        return TokenBatch(tokens.ids, offsets.astype(np.int32), mask, target_start.astype(np.int32))

    def stable(self) -> npt.NDArray[np.bool_]:
        """Whether each row would have the same ids without cuts where the loss starts."""
        stable = np.ones(len(self._rows), np.bool_)
        found = [
            (row, at, before, piece)
            for row, (start, pieces) in enumerate(
                zip(self._bounds.tolist(), self._rows, strict=False)
            )
            for at, (before, piece) in enumerate(pairwise(pieces), start)
            if piece.continues and isinstance(before.content, str)
        ]
        for inside in (False, True):  # whether the first of the two continues another, too
            alike = [pair for pair in found if pair[2].continues == inside]
            if not alike:
                continue
            at = np.array([place for _, place, _, _ in alike])
            both = [before for _, _, before, _ in alike], [piece for _, _, _, piece in alike]
            segments, parts = [], []
            for number, pieces in enumerate(both):
                column = texts([str(piece.content) for piece in pieces])
                continues = pieces[0].continues
                segments.append(Segment(column, in_loss=bool(number), continues=continues))
                ids = self._table.take(self._index[at + number])
                parts.append(EncodedSegment(ids, in_loss=bool(number)))
            equal = is_boundary_stable(segments, parts, self._encoder, len(alike))
            stable[[alike[place][0] for place in np.flatnonzero(~equal)]] = False
        return stable
