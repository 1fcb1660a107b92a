"""The effect of a template change on the tokens of a golden set, row by row and in sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.reasons import Status
from sftdata.examples.boundary import is_boundary_stable
from sftdata.examples.fit import RowFitter
from sftdata.examples.layout import PlainComposer, count_prompt_segments
from sftdata.examples.shorten import Keep
from sftdata.examples.tokens import EncodedSegment
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.rows import Rows
from sftdata.rendering.template import Template
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import Encoder

KEPT = "kept"


@dataclass(frozen=True, slots=True)
class RowTokens:
    """The tokens of a row before and after the change."""

    row_id: str
    prompt_tokens: tuple[int, int]  # before and after, cut to the length limit
    first_difference: int | None  # place of the first token that differs
    target_changed: bool
    boundary_changed: bool  # whether encoding the whole text at once still gives the same ids
    fate: tuple[str, str]  # "kept", "cut" or "dropped", before and after


@dataclass(frozen=True)
class TokenDiff:
    """The tokens of all rows before and after the change."""

    tokenizer: str
    max_length: int | None
    rows: list[RowTokens]

    def summarize(self) -> dict[str, int]:
        """Tokens of all rows, and numbers of rows by kind of change."""
        before = sum(row.prompt_tokens[0] for row in self.rows)
        after = sum(row.prompt_tokens[1] for row in self.rows)
        return {
            "rows": len(self.rows),
            "prompt_tokens_before": before,
            "prompt_tokens_after": after,
            "prompt_tokens_change": after - before,
            "rows_changed": sum(row.first_difference is not None for row in self.rows),
            "newly_cut": sum(row.fate == (KEPT, Status.CUT) for row in self.rows),
            "newly_dropped": sum(
                row.fate[0] != Status.DROPPED and row.fate[1] == Status.DROPPED for row in self.rows
            ),
            "target_changed": sum(row.target_changed for row in self.rows),
            "boundary_changed": sum(row.boundary_changed for row in self.rows),
        }


@dataclass
class _TokenizedRows:
    """The tokens of each row, by its place: ids before the target, and from its start on."""

    prompt: dict[int, npt.NDArray[Any]]
    target: dict[int, npt.NDArray[Any]]
    same_as_whole: dict[int, bool]
    outcomes: list[str]


def compare_tokens(
    old: Template,
    new: Template,
    rows: pa.RecordBatch,
    encoder: Encoder,
    max_length: int | None,
    keep: Keep,
) -> TokenDiff:
    """The tokens of each row with `old` and with `new`, cut or dropped as a build does it."""
    before, after = (_tokenize(t, rows, encoder, max_length, keep) for t in (old, new))
    row_ids = rows.column("row_id").to_pylist()
    compared = [_compare_row(row, row_id, before, after) for row, row_id in enumerate(row_ids)]
    return TokenDiff(encoder.tokenizer.name, max_length, compared)


def _compare_row(row: int, row_id: str, before: _TokenizedRows, after: _TokenizedRows) -> RowTokens:
    prompts = [t.prompt[row] for t in (before, after)]
    targets = [t.target[row] for t in (before, after)]
    whole = [np.concatenate(pair) for pair in zip(prompts, targets, strict=True)]
    difference = _first_difference(*whole)
    if difference is None and len(prompts[0]) != len(prompts[1]):
        difference = min(map(len, prompts))  # the same ids, but the target starts elsewhere
    return RowTokens(
        row_id=row_id,
        prompt_tokens=(len(prompts[0]), len(prompts[1])),
        first_difference=difference,
        target_changed=not np.array_equal(targets[0], targets[1]),
        boundary_changed=before.same_as_whole[row] != after.same_as_whole[row],
        fate=(before.outcomes[row], after.outcomes[row]),
    )


def _first_difference(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> int | None:
    shorter = min(len(one), len(other))
    unequal = np.flatnonzero(one[:shorter] != other[:shorter])
    if len(unequal):
        return int(unequal[0])
    return None if len(one) == len(other) else shorter


def _tokenize(
    template: Template, batch: pa.RecordBatch, encoder: Encoder, max_length: int | None, keep: Keep
) -> _TokenizedRows:
    """The tokens of each row as a build makes them; for a dropped row, its tokens uncut."""
    rows, places = Rows.of(batch), np.arange(batch.num_rows)
    tokenizer = encoder.tokenizer
    maker = RowFitter(
        encoder=encoder,
        composer=PlainComposer(tokenizer.bos_id, tokenizer.eos_id),
        max_length=max_length,
        keep=keep,
        shots=(0,),
        pool=None,
        seed=0,
    )
    found = _TokenizedRows({}, {}, {}, [KEPT] * batch.num_rows)
    outcomes = RowOutcomes(batch.num_rows)
    fitted = list(maker.fit(rows, places, template, outcomes))
    for row, status, _, _ in outcomes:
        found.outcomes[row] = status
    unfitted = replace(maker, max_length=None).fit(rows, places, template, RowOutcomes(len(places)))
    for encoded in (*unfitted, *fitted):
        stable = is_boundary_stable(encoded.segments, encoded.parts, encoder, len(encoded.places))
        first = count_prompt_segments(encoded.segments)
        for at in np.flatnonzero(encoded.kept).tolist():
            row = int(encoded.places[at])
            found.prompt[row] = _ids(encoded.parts[:first], at)
            found.target[row] = _ids(encoded.parts[first:], at)
            found.same_as_whole[row] = bool(stable[at])
    return found


def _ids(parts: Sequence[EncodedSegment], row: int) -> npt.NDArray[Any]:
    return np.concatenate(
        [
            p.ids.ids[p.ids.offsets[row] : p.ids.offsets[row + 1]]
            if isinstance(p.ids, EncodedTexts)
            else np.array(p.ids)
            for p in parts
        ]
    )
