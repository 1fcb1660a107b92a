"""Check the boundary of prompt and target: encoded as one text, do they have the same ids?

Encoding the whole text again would double the work. Ids change only near the boundary, so where
words stand next to it, encoding those words again is enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, string_buffers, texts
from sftdata.examples.layout import Column, DrawnColumn, Segment, join
from sftdata.examples.tokens import EncodedSegment, joined_equal
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import Encoder

# Bytes on each side of a boundary to search for a space between two words: few first, then more.
_REACHES = (64, 1024)

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


def is_boundary_stable(
    segments: Sequence[Segment], parts: Sequence[EncodedSegment], encoder: Encoder, rows: int
) -> Flags:
    """bool[rows]: whether each row, encoded as one text, has the ids of its encoded `parts`."""
    stable = np.ones(rows, np.bool_)
    # Unigram weighs segmentations of the whole text, so the words near a boundary prove nothing.
    merges_pairs = encoder.tokenizer.plain_text.merges_pairs
    for at, segment in enumerate(segments):
        if not at or not segment.continues or isinstance(segments[at - 1].content, int):
            continue
        before, after = (_to_column(s.content, rows) for s in segments[at - 1 : at + 1])
        first, second = (_to_rows(part.ids, rows) for part in parts[at - 1 : at + 1])
        equal = np.zeros(rows, np.bool_)
        if merges_pairs:
            equal = _is_equal_nearby(before, after, first, second, encoder)
        rest = np.flatnonzero(~equal)
        if len(rest):
            whole = join(*(column.take(numbers(rest)) for column in (before, after)))
            a, b = (encoded.take(rest) for encoded in (first, second))
            # A text that itself continues another one has no prefix, nor has it here.
            is_inside = segments[at - 1].continues
            encode = encoder.encode_targets if is_inside else encoder.encode_prompts
            equal[rest] = joined_equal(a, b, encode(whole))
        stable &= equal
    return stable


def _is_equal_nearby(
    before: pa.LargeStringArray,
    after: pa.LargeStringArray,
    first: EncodedTexts,
    second: EncodedTexts,
    encoder: Encoder,
) -> Flags:
    """Whether the words on both sides of each boundary have the same ids together as apart.

    Compared are the last words of the prompt alone, these words with the first words of the
    target, and the ids in the whole prompt (`first`) and target (`second`). If all agree, so does
    the whole text: the text before those words is encoded the same with or without what follows
    them, and likewise after the target's first words. This holds where pairs are merged. False
    means unknown: there may be no such words.
    """
    left, right = _last_words(before), _first_words(after)
    rows = np.flatnonzero((left > 0) & (right > 0))
    _, ends, data = _bounds(before)
    words = _windows(data, ends[rows] - left[rows], left[rows])
    starts, _, data = _bounds(after)
    around = join(words, _windows(data, starts[rows], right[rows]))
    both = encoder.encode_targets(pa.concat_arrays([words, around]))
    alone, joined = both.offsets[: len(rows)], both.offsets[len(rows) : -1]
    lengths = both.lengths
    a = lengths[: len(rows)]
    b = lengths[len(rows) :] - a
    possible = (a <= first.lengths[rows]) & (b > 0) & (b <= second.lengths[rows])
    a, b = np.where(possible, a, 0), np.where(possible, b, 0)
    equal = np.zeros(len(before), np.bool_)
    equal[rows] = (
        possible
        & _same(both.ids, joined, both.ids, alone, a)
        & _same(both.ids, joined, first.ids, first.offsets[1:][rows] - a, a)
        & _same(both.ids, joined + a, second.ids, second.offsets[:-1][rows], b)
    )
    return equal


def _same(
    ids: npt.NDArray[np.int32],
    start: Numbers,
    others: npt.NDArray[np.int32],
    other_start: Numbers,
    lengths: Numbers,
) -> Flags:
    """Whether `lengths[i]` ids from `start[i]` equal those of `others` from `other_start[i]`."""
    step = _steps(lengths)
    one, other = np.repeat(start, lengths) + step, np.repeat(other_start, lengths) + step
    same = np.ones(len(lengths), np.bool_)
    same[np.repeat(np.arange(len(lengths)), lengths)[ids[one] != others[other]]] = False
    return same


def _steps(lengths: Numbers) -> Numbers:
    """0, 1, … `lengths[i] - 1` for each i, one after another."""
    ends = np.cumsum(lengths)
    return np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)


def _last_words(column: pa.LargeStringArray) -> Numbers:
    """Bytes from the last space between two ASCII letters to the end of each text; 0 for none."""
    starts, ends, data = _bounds(column)
    return _bytes_to_space(data, ends - 1, -1, ends - starts) + 1


def _first_words(column: pa.LargeStringArray) -> Numbers:
    """Bytes before the first space between two ASCII letters, or of the whole short text; or 0."""
    starts, ends, data = _bounds(column)
    sizes = ends - starts
    before = _bytes_to_space(data, starts, 1, sizes)
    return np.where((before < 0) & (sizes <= _REACHES[-1]), sizes, np.maximum(before, 0))


def _bytes_to_space(
    data: npt.NDArray[np.uint8], edges: Numbers, step: int, sizes: Numbers
) -> Numbers:
    """Bytes from the edge of each text to the first space between two ASCII letters.

    -1 where there is none within reach. A `step` of -1 goes back from the last byte.
    """
    passed = np.full(len(edges), -1)
    left = np.flatnonzero(sizes > 2)
    for reach in _REACHES:
        if not len(left):
            break
        steps = np.arange(min(reach, sizes[left].max()))
        at = edges[left, None] + step * steps
        window = data[np.clip(at, 0, len(data) - 1)]
        is_letter = ((window | 0x20) - np.uint8(ord("a"))) < 26
        is_between = is_letter[:, :-2] & (window[:, 1:-1] == 0x20) & is_letter[:, 2:]
        is_between &= steps[2:] < sizes[left, None]
        found = is_between.any(axis=1)
        passed[left[found]] = is_between[found].argmax(axis=1) + 1
        left = left[~found & (sizes[left] > reach)]
    return passed


def _bounds(column: pa.LargeStringArray) -> tuple[Numbers, Numbers, npt.NDArray[np.uint8]]:
    """Where each text starts and ends in the bytes, and the bytes."""
    offsets, data = string_buffers(column)
    return offsets[:-1], offsets[1:], data


def _windows(data: npt.NDArray[np.uint8], starts: Numbers, lengths: Numbers) -> pa.LargeStringArray:
    """A column of parts of `data`."""
    at = np.repeat(starts, lengths) + _steps(lengths)
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    return pa.LargeStringArray.from_buffers(
        len(lengths), pa.py_buffer(offsets), pa.py_buffer(data[at])
    )


def _to_column(content: Column | str | int, rows: int) -> pa.LargeStringArray:
    if isinstance(content, DrawnColumn):
        return content.to_column()
    if isinstance(content, (str, int)):
        return texts([str(content)] * rows)
    return content


def _to_rows(ids: EncodedTexts | tuple[int, ...], rows: int) -> EncodedTexts:
    if isinstance(ids, EncodedTexts):
        return ids
    return EncodedTexts(np.tile(np.array(ids, np.int32), rows), np.arange(rows + 1) * len(ids))
