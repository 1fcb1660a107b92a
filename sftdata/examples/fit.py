"""Fit rows into `max_length`: render, lay out and encode them, and shorten the long ones.

A row that is too long loses shots first, then text of its `shorten` field; never its target or
its end token. A row that still does not fit is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, texts
from sftdata.base.hashing import choose_by_hash
from sftdata.base.reasons import Reason, Status
from sftdata.examples.boundary import is_boundary_stable
from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import ChatComposer, Composer, Segment, Shots, is_blank
from sftdata.examples.shorten import Cut, Keep, shorten_texts
from sftdata.examples.shots import ShotPool
from sftdata.examples.tokens import EncodedSegment, TokenBatch, join_segments
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.rows import Rows
from sftdata.rendering.render import Rendered, render_batch, render_block
from sftdata.rendering.template import Template
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import Encoder

Places = npt.NDArray[np.int64]  # of rows in the batch they came in


@dataclass(frozen=True, slots=True)
class ExampleTokens:
    """The tokens of the rows at `places`; those that are not `kept` did not fit in this layout."""

    places: Places
    kept: npt.NDArray[np.bool_]
    batch: TokenBatch
    stable: npt.NDArray[np.bool_]  # whether the whole text, encoded at once, has the same ids

    @classmethod
    def in_order(cls, parts: Sequence[ExampleTokens]) -> ExampleTokens:
        """The kept rows of all parts, in the order of their places."""
        places = np.concatenate([np.empty(0, np.int64), *(part.places for part in parts)])
        kept = np.concatenate([np.empty(0, np.bool_), *(part.kept for part in parts)])
        stable = np.concatenate([np.empty(0, np.bool_), *(part.stable for part in parts)])
        batch = TokenBatch.concatenate([part.batch for part in parts])
        rows = np.flatnonzero(kept)
        rows = rows[np.argsort(places[rows])]
        if not np.array_equal(rows, np.arange(len(places))):
            batch = batch.take(rows)
        return cls(places[rows], kept[rows], batch, stable[rows])


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Encoded rows of one layout; those that are not `kept` are too long, or dropped."""

    places: Places
    rendered: Rendered
    shots: Shots | None
    segments: list[Segment]
    parts: list[EncodedSegment]
    is_empty: npt.NDArray[np.bool_]  # whether the target is
    kept: npt.NDArray[np.bool_]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[rows], in tokens."""
        total = np.zeros(len(self.places), np.int64)
        for part in self.parts:
            total += part.ids.lengths if isinstance(part.ids, EncodedTexts) else len(part.ids)
        return total


@dataclass(frozen=True)
class RowFitter:
    """Renders, lays out and encodes rows, and fits them into `max_length`."""

    encoder: Encoder
    composer: Composer
    max_length: int | None
    keep: Keep
    shots: Sequence[int]  # counts; each row gets one of them by hash
    pool: ShotPool | None
    seed: int
    _rendered_pools: dict[str, Rendered] = field(default_factory=dict)  # by template

    def fit(
        self, rows: Rows, places: Places, template: Template, outcomes: RowOutcomes
    ) -> Iterator[EncodedRows]:
        """The rows at `places`, encoded: each is kept in one result, or its outcome is a drop."""
        for alike in self._split_by_system(rows.batch, places, template):
            yield from self._fit_alike(rows, alike, template, outcomes)

    def _split_by_system(
        self, batch: pa.RecordBatch, places: Places, template: Template
    ) -> list[Places]:
        """The rows with a system turn and those without; all together where no row decides it."""
        if not isinstance(self.composer, ChatComposer) or not template.system_fields:
            return [places]
        blank = is_blank(render_block(batch.take(numbers(places)), template, "system"))
        return [alike for alike in (places[~blank], places[blank]) if len(alike)]

    def _fit_alike(
        self, rows: Rows, places: Places, template: Template, outcomes: RowOutcomes
    ) -> Iterator[EncodedRows]:
        """`fit` for rows that all have a system turn, or all have none."""
        wanted = self._count_wanted_shots(rows.hashes[places])
        retried = np.empty(0, np.int64)  # with fewer shots: too long, or too few in the pool
        for count in range(max(self.shots), -1, -1):
            tried = np.sort(np.concatenate((places[wanted == count], retried)))
            retried = np.empty(0, np.int64)
            shots = self.choose_shots(rows, tried, template, count)
            if shots is not None:
                complete = (shots.index >= 0).all(axis=1)
                retried, tried = tried[~complete], tried[complete]
                shots = replace(shots, index=shots.index[complete])
            if not len(tried):
                continue
            encoded = self._encode(rows.batch, tried, template, shots)
            self._drop_unusable(encoded, outcomes)
            fits = self._fits(encoded)
            long = tried[~fits & ~outcomes.dropped[tried]]
            if count:
                retried = np.concatenate((retried, long))
            elif len(long):
                yield from self._shorten(rows.batch, encoded, long, template, outcomes)
            asked = wanted[np.searchsorted(places, tried)]
            for at in np.flatnonzero(fits & (asked > count)):
                detail = f"{count} of {asked[at]} shots fit"
                outcomes.add_outcome(int(tried[at]), Status.CUT, Reason.FEWER_SHOTS, detail)
            yield replace(encoded, kept=fits & ~outcomes.dropped[tried])

    def choose_shots(
        self, rows: Rows, places: Places, template: Template, count: int
    ) -> Shots | None:
        """The shots of each row, with -1 where the pool has too few; None for no shots."""
        if not count or self.pool is None:
            return None
        if template.label not in self._rendered_pools:
            self._rendered_pools[template.label] = render_batch(self.pool.rows, template)
        batch, groups = rows.batch.take(numbers(places)), rows.group_hashes[places]
        index = self.pool.choose(batch, groups, self.seed, count)
        return Shots(self._rendered_pools[template.label], template.label, index)

    def _count_wanted_shots(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        if len(self.shots) == 1:
            return np.full(len(hashes), self.shots[0])
        chosen = choose_by_hash(hashes, [1.0] * len(self.shots), f"shots:{self.seed}")
        return np.array(self.shots)[chosen]

    def _encode(
        self, batch: pa.RecordBatch, places: Places, template: Template, shots: Shots | None
    ) -> EncodedRows:
        rows = batch if len(places) == batch.num_rows else batch.take(numbers(places))
        rendered = render_batch(rows, template)
        segments = self.composer.compose(rendered, shots)
        parts = encode_segments(segments, self.encoder)
        is_empty, all_kept = is_blank(rendered.target), np.ones(len(places), np.bool_)
        return EncodedRows(places, rendered, shots, segments, parts, is_empty, all_kept)

    def _fits(self, encoded: EncodedRows) -> npt.NDArray[np.bool_]:
        if self.max_length is None:
            return np.ones(len(encoded.places), np.bool_)
        return encoded.lengths <= self.max_length

    def _drop_unusable(self, encoded: EncodedRows, outcomes: RowOutcomes) -> None:
        for part in encoded.parts:
            if isinstance(part.ids, EncodedTexts):
                name = "target" if part.in_loss else "prompt"
                for row in self.encoder.find_unsafe(part.ids):
                    detail = f"the {name} holds a character the tokenizer cannot encode as text"
                    outcomes.add_outcome(
                        int(encoded.places[row]), Status.DROPPED, Reason.NOT_ENCODABLE, detail
                    )
                for row in self.encoder.find_unknown(part.ids):
                    detail = "the vocabulary lacks a character of the text"
                    outcomes.add_outcome(
                        int(encoded.places[row]), Status.FLAGGED, Reason.UNKNOWN_TOKEN, detail
                    )
        for row in np.flatnonzero(encoded.is_empty):
            detail = "the target has no text"
            outcomes.add_outcome(
                int(encoded.places[row]), Status.DROPPED, Reason.EMPTY_TARGET, detail
            )

    def _shorten(
        self,
        batch: pa.RecordBatch,
        encoded: EncodedRows,
        long: Places,
        template: Template,
        outcomes: RowOutcomes,
    ) -> Iterator[EncodedRows]:
        """Shortens the rows that are too long; drops those that stay too long."""
        tokens = encoded.lengths[np.searchsorted(encoded.places, long)]
        lengths = [f"{n:,} tokens of at most {self.max_length:,}" for n in tokens.tolist()]
        left: list[tuple[int, Cut]] = []
        for at, cut in enumerate(self._find_cuts(batch, long, tokens, template)):
            if cut is None:
                outcomes.add_outcome(int(long[at]), Status.DROPPED, Reason.TOO_LONG, lengths[at])
            else:
                left.append((at, cut))
        # Fewer characters are, rarely, more tokens: then a cut inside a sentence is kept.
        for at_sentence in (True, False):
            if not left:
                break
            rows = long[[at for at, _ in left]]
            parts = [cut.snapped if at_sentence else cut.longest for _, cut in left]
            shortened = _with_texts(batch, rows, str(template.shorten), parts)
            encoded = self._encode(shortened, np.arange(len(rows)), template, None)
            fits = self._fits(encoded)
            yield replace(encoded, places=rows, kept=fits)
            for (at, cut), part, ok in zip(left, parts, fits, strict=True):
                if ok:
                    kept = f"{template.shorten}: kept {len(part):,} of {cut.size:,} characters"
                    detail = f"{kept}; {lengths[at]}"
                    outcomes.add_outcome(int(long[at]), Status.CUT, Reason.MAX_LENGTH, detail)
            left = [item for item, ok in zip(left, fits, strict=True) if not ok]

    def _find_cuts(
        self,
        batch: pa.RecordBatch,
        long: Places,
        tokens: npt.NDArray[np.int64],
        template: Template,
    ) -> Sequence[Cut | None]:
        """The possible cuts of the rows `long`; None where the field cannot be cut enough."""
        name = template.shorten
        if name is None:
            return [None] * len(long)

        def count_tokens(at: npt.NDArray[np.int64], parts: list[str]) -> Places:
            rows = _with_texts(batch, long[at], name, parts)
            return self._encode(rows, np.arange(len(at)), template, None).lengths

        before = batch.column(name).take(numbers(long)).to_pylist()
        budgets = np.full(len(long), self.max_length)
        return shorten_texts(before, tokens, budgets, self.keep, count_tokens)

    def join_tokens(self, encoded: EncodedRows) -> ExampleTokens:
        """The tokens of encoded rows."""
        rows = len(encoded.places)
        stable = is_boundary_stable(encoded.segments, encoded.parts, self.encoder, rows)
        return ExampleTokens(
            encoded.places, encoded.kept, join_segments(encoded.parts, rows), stable
        )


def _with_texts(batch: pa.RecordBatch, at: Places, name: str, new: Sequence[str]) -> pa.RecordBatch:
    """The rows `at` of `batch` with other texts in one column."""
    taken = batch.take(numbers(at))
    return taken.set_column(taken.schema.get_field_index(name), name, texts(new))
