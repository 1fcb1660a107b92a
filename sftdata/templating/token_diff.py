"""What a change of template does to the tokens of a golden set, row by row and in sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.columns import numbers
from sftdata.columns import texts as column
from sftdata.engine import Encoded
from sftdata.layout import join
from sftdata.length import Keep, shorten_texts
from sftdata.render import Rendered, render_batch
from sftdata.templating.template import Template
from sftdata.tokenization import Encoder, whole_text_equal


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


@dataclass(frozen=True)
class _Tokens:
    prompt: Encoded
    target: Encoded
    same_as_whole: npt.NDArray[np.bool_]
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

    With `max_length` rows that are too long are shortened or dropped as a build would do it.
    """
    before, after = (_tokens(t, rows, encoder, max_length, keep) for t in (old, new))
    bos = int(encoder.tokenizer.bos_id is not None)
    for row, row_id in enumerate(rows.column("row_id").to_pylist()):
        prompts = [_ids(t.prompt, row) for t in (before, after)]
        targets = [_ids(t.target, row) for t in (before, after)]
        whole = [np.concatenate(pair) for pair in zip(prompts, targets, strict=True)]
        difference = _first_difference(*whole)
        if difference is None and len(prompts[0]) != len(prompts[1]):
            difference = min(map(len, prompts))  # the same ids, divided in another place
        yield RowTokens(
            row_id=row_id,
            prompt_tokens=(len(prompts[0]) + bos, len(prompts[1]) + bos),
            first_difference=None if difference is None else difference + bos,
            target_changed=not np.array_equal(targets[0], targets[1]),
            boundary_changed=bool(before.same_as_whole[row] != after.same_as_whole[row]),
            fate=(before.fates[row], after.fates[row]),
        )


def _ids(encoded: Encoded, row: int) -> npt.NDArray[Any]:
    return encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]]


def _first_difference(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> int | None:
    shorter = min(len(one), len(other))
    unequal = np.flatnonzero(one[:shorter] != other[:shorter])
    if len(unequal):
        return int(unequal[0])
    return None if len(one) == len(other) else shorter


def _tokens(
    template: Template, rows: pa.RecordBatch, encoder: Encoder, max_length: int | None, keep: Keep
) -> _Tokens:
    rendered = render_batch(rows, template)
    prompt, target = _encoded(rendered, encoder)
    fates = ["kept"] * rows.num_rows
    if max_length is not None:
        rows = _fitted(template, rows, prompt, target, encoder, max_length, keep, fates)
        if "cut" in fates:
            rendered = render_batch(rows, template)
            prompt, target = _encoded(rendered, encoder)
    whole = encoder.encode_prompts(join(_prompt(rendered), rendered.target))
    return _Tokens(prompt, target, whole_text_equal(prompt, target, whole), fates)


def _prompt(rendered: Rendered) -> pa.LargeStringArray:
    return join(*([rendered.system] if rendered.system is not None else []), rendered.prompt)


def _encoded(rendered: Rendered, encoder: Encoder) -> tuple[Encoded, Encoded]:
    return encoder.encode_prompts(_prompt(rendered)), encoder.encode_targets(rendered.target)


def _fitted(
    template: Template,
    rows: pa.RecordBatch,
    prompt: Encoded,
    target: Encoded,
    encoder: Encoder,
    max_length: int,
    keep: Keep,
    fates: list[str],
) -> pa.RecordBatch:
    """The rows as a build would shorten them; what happened to each goes into `fates`."""
    extra = 1 + int(encoder.tokenizer.bos_id is not None)
    long = np.flatnonzero(prompt.lengths + target.lengths + extra > max_length)
    field = template.shorten
    if field is None or not len(long):
        for row in long.tolist():
            fates[row] = "dropped"
        return rows
    index = rows.schema.get_field_index(field)

    def with_texts(at: npt.NDArray[np.int64], texts: list[str]) -> pa.RecordBatch:
        taken = rows.take(numbers(at))
        return taken.set_column(index, field, column(texts))

    def count_tokens(at: npt.NDArray[np.int64], parts: list[str]) -> npt.NDArray[np.int64]:
        cut = render_batch(with_texts(long[at], parts), template)
        return encoder.encode_prompts(_prompt(cut)).lengths

    texts = rows.column(field).to_pylist()
    budgets = max_length - extra - target.lengths[long]
    whole = [texts[row] for row in long.tolist()]
    parts = shorten_texts(whole, prompt.lengths[long], budgets, keep, count_tokens)
    for row, part in zip(long.tolist(), parts, strict=True):
        fates[row] = "dropped" if part is None else "cut"
        texts[row] = texts[row] if part is None else part
    return rows.set_column(index, field, column(texts))
