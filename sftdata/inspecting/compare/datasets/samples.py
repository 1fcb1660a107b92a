"""Sample rows of a dataset diff: the text around the first token that differs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from sftdata.loading.dataset import Dataset, Example
from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.recorded import find_recorded_tokenizer

_SAMPLES, _CANDIDATES = 5, 1000  # rows shown, and rows they are chosen from
_CONTEXT, _SHOWN = 16, 48  # tokens shown before and after the first difference


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row of both datasets with different tokens."""

    row_id: str
    split: tuple[str, str]
    template: tuple[str, str]
    prompt_tokens: tuple[int, int]
    target_tokens: tuple[int, int]
    first_difference: int  # place of the first token, or of its mask, that differs
    in_loss: tuple[bool, bool]  # whether the token there is in the loss
    before: str | None  # the text right before it; None without the tokenizers
    text: tuple[str, str] | None  # the text that follows, in A and in B


def sample_changes(
    a: Dataset, b: Dataset, rows_a: npt.NDArray[np.int64], rows_b: npt.NDArray[np.int64]
) -> list[RowChange]:
    """Changes of a few rows, given the places of all changed rows in `a` and in `b`.

    Chosen by a digest of the row id, so two runs show the same rows.
    """
    decoders = _load_decoder(a), _load_decoder(b)
    places = zip(rows_a[:_CANDIDATES].tolist(), rows_b[:_CANDIDATES].tolist(), strict=True)
    examples = [(_example_at(a, i), _example_at(b, j)) for i, j in places]
    examples.sort(key=lambda pair: xxhash.xxh3_64_intdigest(pair[0][1].row_id.encode()))
    return [_compare_row(one, two, decoders) for one, two in examples[:_SAMPLES]]


def _compare_row(
    one: tuple[str, Example], two: tuple[str, Example], decoders: tuple[Decoder | None, ...]
) -> RowChange:
    (split_a, a), (split_b, b) = one, two
    size = min(len(a.input_ids), len(b.input_ids))
    differs = np.flatnonzero(a.input_ids[:size] != b.input_ids[:size])
    if not len(differs) and len(a.input_ids) == len(b.input_ids):
        differs = np.flatnonzero(a.label_mask != b.label_mask)
    first = int(differs[0]) if len(differs) else size
    before, text = None, None
    decoder_a, decoder_b = decoders
    if decoder_a is not None and decoder_b is not None:
        before = _decode(decoder_a, a, max(0, first - _CONTEXT), first)
        text = (
            _decode(decoder_a, a, first, first + _SHOWN),
            _decode(decoder_b, b, first, first + _SHOWN),
        )
    return RowChange(
        row_id=a.row_id,
        split=(split_a, split_b),
        template=(a.template, b.template),
        prompt_tokens=(a.target_start, b.target_start),
        target_tokens=(int(a.label_mask.sum()), int(b.label_mask.sum())),
        first_difference=first,
        in_loss=(
            bool(a.label_mask[first : first + 1].any()),
            bool(b.label_mask[first : first + 1].any()),
        ),
        before=before,
        text=text,
    )


def _decode(decoder: Decoder, example: Example, start: int, end: int) -> str:
    ids = example.input_ids[start:end]
    text: str = decoder.decode(ids, np.array([0, len(ids)]), continues=start > 0)[0].as_py()
    return text


def _load_decoder(data: Dataset) -> Decoder | None:
    tokenizer = find_recorded_tokenizer(data.manifest["tokenizer"])
    return None if tokenizer is None else Decoder(tokenizer)


def _example_at(data: Dataset, place: int) -> tuple[str, Example]:
    """The split and the example at a place counted over all splits."""
    for name, split in data.items():
        if place < len(split):
            return name, split[place]
        place -= len(split)
    raise IndexError(place)
