"""What a change of template does to the tokens of a golden set, row by row and in sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.examples.boundary import is_seamless
from sftdata.examples.fit import DraftMaker
from sftdata.examples.layout import PlainComposer, prompt_length
from sftdata.examples.shorten import Keep
from sftdata.examples.tokens import Part
from sftdata.reading.outcomes import Fates
from sftdata.reading.rows import Rows
from sftdata.rendering.template import Template
from sftdata.tokenizing.encoded import Encoded
from sftdata.tokenizing.encoder import Encoder


@dataclass(frozen=True, slots=True)
class RowTokens:
    """What becomes of a row's tokens. `None` for what does not differ."""

    row_id: str
    prompt_tokens: tuple[int, int]  # before and after, cut to fit where they must be
    first_difference: int | None  # index of the first token of the example that differs
    target_changed: bool
    boundary_changed: bool  # whether encoding the whole text at once still gives the same ids
    fate: tuple[str, str]  # "kept", "cut" or "dropped", before and after


@dataclass(frozen=True)
class TokenDiff:
    """What becomes of the tokens of all rows."""

    tokenizer: str
    max_length: int | None
    rows: list[RowTokens]

    def summary(self) -> dict[str, Any]:
        """The rows in sum."""
        before = sum(row.prompt_tokens[0] for row in self.rows)
        after = sum(row.prompt_tokens[1] for row in self.rows)
        return {
            "rows": len(self.rows),
            "prompt_tokens_before": before,
            "prompt_tokens_after": after,
            "prompt_tokens_change": after - before,
            "rows_changed": sum(row.first_difference is not None for row in self.rows),
            "newly_cut": sum(row.fate == ("kept", "cut") for row in self.rows),
            "newly_dropped": sum(
                row.fate[0] != "dropped" and row.fate[1] == "dropped" for row in self.rows
            ),
            "target_changed": sum(row.target_changed for row in self.rows),
            "boundary_changed": sum(row.boundary_changed for row in self.rows),
        }


@dataclass
class _Tokens:
    """What each row becomes: ids up to the target and from there on."""

    prompt: dict[int, npt.NDArray[Any]]
    target: dict[int, npt.NDArray[Any]]
    same_as_whole: dict[int, bool]
    fates: list[str]


def compare_tokens(
    old: Template,
    new: Template,
    rows: pa.RecordBatch,
    encoder: Encoder,
    max_length: int | None,
    keep: Keep,
) -> Iterator[RowTokens]:
    """What becomes of each row's tokens when `new` takes the place of `old`.

    With `max_length` rows that are too long are shortened or dropped as a build does it.
    """
    before, after = (_tokens(t, rows, encoder, max_length, keep) for t in (old, new))
    for row, row_id in enumerate(rows.column("row_id").to_pylist()):
        prompts = [t.prompt[row] for t in (before, after)]
        targets = [t.target[row] for t in (before, after)]
        whole = [np.concatenate(pair) for pair in zip(prompts, targets, strict=True)]
        difference = _first_difference(*whole)
        if difference is None and len(prompts[0]) != len(prompts[1]):
            difference = min(map(len, prompts))  # the same ids, divided in another place
        yield RowTokens(
            row_id=row_id,
            prompt_tokens=(len(prompts[0]), len(prompts[1])),
            first_difference=difference,
            target_changed=not np.array_equal(targets[0], targets[1]),
            boundary_changed=before.same_as_whole[row] != after.same_as_whole[row],
            fate=(before.fates[row], after.fates[row]),
        )


def _first_difference(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> int | None:
    shorter = min(len(one), len(other))
    unequal = np.flatnonzero(one[:shorter] != other[:shorter])
    if len(unequal):
        return int(unequal[0])
    return None if len(one) == len(other) else shorter


def _tokens(
    template: Template, batch: pa.RecordBatch, encoder: Encoder, max_length: int | None, keep: Keep
) -> _Tokens:
    """The tokens of each row, made as a build makes them; of a dropped row those it would have."""
    rows, places = Rows.of(batch), np.arange(batch.num_rows)
    tokenizer = encoder.tokenizer
    maker = DraftMaker(
        encoder=encoder,
        composer=PlainComposer(tokenizer.bos_id, tokenizer.eos_id),
        max_length=max_length,
        keep=keep,
        shots=(0,),
        pool=None,
        seed=0,
        all_turns=False,
    )
    found = _Tokens({}, {}, {}, ["kept"] * batch.num_rows)
    fates = Fates(batch.num_rows)
    fitted = list(maker.make(rows, places, template, fates))
    for row, status, _, _ in fates:
        found.fates[row] = status
    unfitted = replace(maker, max_length=None).make(rows, places, template, Fates(len(places)))
    for draft in (*unfitted, *fitted):
        seamless = is_seamless(draft.stretches, draft.parts, encoder, len(draft.places))
        first = prompt_length(draft.stretches)
        for at in np.flatnonzero(draft.kept).tolist():
            row = int(draft.places[at])
            found.prompt[row] = _ids(draft.parts[:first], at)
            found.target[row] = _ids(draft.parts[first:], at)
            found.same_as_whole[row] = bool(seamless[at])
    return found


def _ids(parts: Sequence[Part], row: int) -> npt.NDArray[Any]:
    return np.concatenate(
        [
            p.ids.ids[p.ids.offsets[row] : p.ids.offsets[row + 1]]
            if isinstance(p.ids, Encoded)
            else np.array(p.ids)
            for p in parts
        ]
    )
