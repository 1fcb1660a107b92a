"""Drafts: rows of one template in, tokens that fit `max_length` out.

A row that is too long first gives up shots, then text of its `shorten` field; the target and its
end never. A row that still does not fit is dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, texts
from sftdata.base.hashing import choose_by_hash
from sftdata.base.reasons import Reason, Status
from sftdata.examples.boundary import is_seamless
from sftdata.examples.encode import encode_stretches
from sftdata.examples.layout import ChatComposer, Composer, Shots, Stretch, is_blank
from sftdata.examples.shorten import Cut, Keep, shorten_texts
from sftdata.examples.shots import ShotPool
from sftdata.examples.tokens import Part, TokenBatch, join_parts
from sftdata.reading.messages import parse_messages
from sftdata.reading.outcomes import Fates
from sftdata.reading.rows import Rows
from sftdata.rendering.render import Rendered, render_batch
from sftdata.rendering.template import Template
from sftdata.spec.fields import MESSAGES
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import Encoder

Places = npt.NDArray[np.int64]  # of rows in the batch they came in


@dataclass(frozen=True, slots=True)
class ExampleTokens:
    """The tokens of the rows at `places`; what is not `kept` is in another draft or in none."""

    places: Places
    kept: npt.NDArray[np.bool_]
    tokens: TokenBatch
    seamless: npt.NDArray[np.bool_]  # whether the text encoded at once gives the same ids

    @classmethod
    def in_order(cls, drafts: Sequence[ExampleTokens]) -> ExampleTokens:
        """The kept rows of all drafts together, in the order of their places."""
        drafts = [_NO_TOKENS, *drafts] if len(drafts) != 1 else drafts
        places, kept, seamless = (
            np.concatenate([getattr(draft, name) for draft in drafts])
            for name in ("places", "kept", "seamless")
        )
        rows = np.flatnonzero(kept)
        rows = rows[np.argsort(places[rows])]
        tokens = TokenBatch.concatenate([draft.tokens for draft in drafts])
        if not np.array_equal(rows, np.arange(len(places))):
            tokens = tokens.take(rows)
        return cls(places[rows], kept[rows], tokens, seamless[rows])


_NO_TOKENS = ExampleTokens(
    np.empty(0, np.int64),
    np.empty(0, np.bool_),
    TokenBatch(
        np.empty(0, np.int32),
        np.zeros(1, np.int32),
        np.empty(0, np.bool_),
        np.empty(0, np.int32),
    ),
    np.empty(0, np.bool_),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """Encoded rows of one layout; those that are not `kept` are too long, or dropped."""

    places: Places
    stretches: list[Stretch]
    parts: list[Part]
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
class DraftMaker:
    """Renders, lays out, encodes and fits rows. Holds what of the settings that needs."""

    encoder: Encoder
    composer: Composer
    max_length: int | None
    keep: Keep
    shots: Sequence[int]  # counts; each row gets one of them by hash
    pool: ShotPool | None
    seed: int
    all_turns: bool  # of a conversation: whether every assistant turn is in the loss
    _rendered_pools: dict[str, Rendered] = field(default_factory=dict)  # by template

    def make(
        self, rows: Rows, places: Places, template: Template | None, fates: Fates
    ) -> Iterator[Draft]:
        """Drafts of the rows at `places`: each is kept in one of them, or dropped on the way.

        Without a template the rows are conversations.
        """
        if template is None:
            yield from self._conversations(rows, places, fates)
            return
        wanted = self._wanted_shots(rows.hashes[places])
        left = np.empty(0, np.int64)  # rows that had too little room, or found too few shots
        for count in range(max(self.shots), -1, -1):
            these = np.sort(np.concatenate((places[wanted == count], left)))
            shots = self.choose_shots(rows, these, template, count)
            if shots is not None:
                complete = (shots.index >= 0).all(axis=1)
                left, these = these[~complete], these[complete]
                shots = replace(shots, index=shots.index[complete])
            if not len(these):
                continue
            draft = self._draft(rows.batch, these, template, shots)
            self._drop_unusable(draft, fates)
            fits = self._fits(draft)
            long = these[~fits & ~fates.dropped[these]]
            asked = wanted[np.searchsorted(places, these)]
            if count:
                left = np.concatenate((left, long))
            elif len(long):
                yield from self._cut(rows.batch, draft, long, template, fates)
            for at in np.flatnonzero(fits & (asked > count)):
                detail = f"{count} of {asked[at]} shots fit"
                fates.add(int(these[at]), Status.CUT, Reason.FEWER_SHOTS, detail)
            yield replace(draft, kept=fits & ~fates.dropped[these])

    def choose_shots(
        self, rows: Rows, places: Places, template: Template, count: int
    ) -> Shots | None:
        """The shots of each row, of which the pool may have too few; None for no shots."""
        if not count or self.pool is None:
            return None
        if template.label not in self._rendered_pools:
            self._rendered_pools[template.label] = render_batch(self.pool.rows, template)
        batch, groups = rows.batch.take(numbers(places)), rows.group_hashes[places]
        index = self.pool.choose(batch, groups, self.seed, count)
        return Shots(self._rendered_pools[template.label], template.label, index)

    def _wanted_shots(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        if len(self.shots) == 1:
            return np.full(len(hashes), self.shots[0])
        chosen = choose_by_hash(hashes, [1.0] * len(self.shots), f"shots:{self.seed}")
        return np.array(self.shots)[chosen]

    def _draft(
        self, batch: pa.RecordBatch, places: Places, template: Template, shots: Shots | None
    ) -> Draft:
        rows = batch if len(places) == batch.num_rows else batch.take(numbers(places))
        rendered = render_batch(rows, template)
        stretches = self.composer.compose(rendered, shots)
        parts = encode_stretches(stretches, self.encoder)
        everyone = np.ones(len(places), np.bool_)
        return Draft(places, stretches, parts, is_blank(rendered.target), everyone)

    def _fits(self, draft: Draft) -> npt.NDArray[np.bool_]:
        if self.max_length is None:
            return np.ones(len(draft.places), np.bool_)
        return draft.lengths <= self.max_length

    def _drop_unusable(self, draft: Draft, fates: Fates) -> None:
        for part in draft.parts:
            if isinstance(part.ids, EncodedTexts):
                name = "target" if part.in_loss else "prompt"
                for row in self.encoder.find_unsafe(part.ids):
                    detail = f"the {name} holds a character the tokenizer cannot encode as text"
                    fates.add(int(draft.places[row]), Status.DROPPED, Reason.NOT_ENCODABLE, detail)
        for row in np.flatnonzero(draft.is_empty):
            detail = "the target has no text"
            fates.add(int(draft.places[row]), Status.DROPPED, Reason.EMPTY_TARGET, detail)

    def _cut(
        self,
        batch: pa.RecordBatch,
        draft: Draft,
        long: Places,
        template: Template,
        fates: Fates,
    ) -> Iterator[Draft]:
        """Cuts the rows that are too long; those that cannot be cut enough are dropped."""
        tokens = draft.lengths[np.searchsorted(draft.places, long)]
        lengths = [f"{n:,} tokens of at most {self.max_length:,}" for n in tokens.tolist()]
        left: list[tuple[int, Cut]] = []
        for at, cut in enumerate(self._find_cuts(batch, long, tokens, template)):
            if cut is None:
                fates.add(int(long[at]), Status.DROPPED, Reason.TOO_LONG, lengths[at])
            else:
                left.append((at, cut))
        # Fewer characters can, rarely, be more tokens: then the cut inside a sentence stands.
        for kind in ("snapped", "longest"):
            if not left:
                break
            rows = long[[at for at, _ in left]]
            parts = [str(getattr(cut, kind)) for _, cut in left]
            shortened = _with_texts(batch, rows, str(template.shorten), parts)
            draft = self._draft(shortened, np.arange(len(rows)), template, None)
            fits = self._fits(draft)
            yield replace(draft, places=rows, kept=fits)
            for (at, cut), part, ok in zip(left, parts, fits, strict=True):
                if ok:
                    kept = f"{template.shorten}: kept {len(part):,} of {cut.size:,} characters"
                    detail = f"{kept}; {lengths[at]}"
                    fates.add(int(long[at]), Status.CUT, Reason.MAX_LENGTH, detail)
            left = [item for item, ok in zip(left, fits, strict=True) if not ok]

    def _find_cuts(
        self,
        batch: pa.RecordBatch,
        long: Places,
        tokens: npt.NDArray[np.int64],
        template: Template,
    ) -> Sequence[Cut | None]:
        """What can be left of the rows `long`, which have so many tokens."""
        name = template.shorten
        if name is None:
            return [None] * len(long)

        def count_tokens(at: npt.NDArray[np.int64], parts: list[str]) -> Places:
            rows = _with_texts(batch, long[at], name, parts)
            return self._draft(rows, np.arange(len(at)), template, None).lengths

        before = batch.column(name).take(numbers(long)).to_pylist()
        budgets = np.full(len(long), self.max_length)
        return shorten_texts(before, tokens, budgets, self.keep, count_tokens)

    def _conversations(self, rows: Rows, places: Places, fates: Fates) -> Iterator[Draft]:
        """Conversations, those with the same sequence of roles at a time."""
        composer = self.composer
        assert isinstance(composer, ChatComposer)
        column = rows.batch.column(MESSAGES)
        turns = {int(at): parse_messages(column[at].as_py()) for at in places}
        by_roles: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for at, conversation in turns.items():
            by_roles[tuple(role for role, _ in conversation)].append(at)
        for roles, members in sorted(by_roles.items()):
            contents = [
                texts([turns[at][number][1].strip() for at in members])
                for number in range(len(roles))
            ]
            stretches = composer.compose_turns(roles, contents, all_turns=self.all_turns)
            parts = encode_stretches(stretches, self.encoder)
            everyone = np.ones(len(members), np.bool_)
            draft = Draft(np.array(members), stretches, parts, is_blank(contents[-1]), everyone)
            self._drop_unusable(draft, fates)
            fits = self._fits(draft)
            for at in np.flatnonzero(~fits).tolist():
                length = f"{draft.lengths[at]:,} tokens of at most {self.max_length:,}"
                fates.add(members[at], Status.DROPPED, Reason.TOO_LONG, length)
            yield replace(draft, kept=fits & ~fates.dropped[draft.places])

    def tokens(self, draft: Draft) -> ExampleTokens:
        """The tokens of every row of a draft."""
        rows = len(draft.places)
        seamless = is_seamless(draft.stretches, draft.parts, self.encoder, rows)
        return ExampleTokens(draft.places, draft.kept, join_parts(draft.parts, rows), seamless)


def _with_texts(batch: pa.RecordBatch, at: Places, name: str, new: Sequence[str]) -> pa.RecordBatch:
    """The rows `at` of `batch` with other texts in one column."""
    taken = batch.take(numbers(at))
    return taken.set_column(taken.schema.get_field_index(name), name, texts(new))
