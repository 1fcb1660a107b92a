"""Token batches: segments joined to rows, and rows taken from them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sftdata.examples.tokens import EncodedSegment, TokenBatch, join_segments, joined_equal
from sftdata.tokenizing.encoded import EncodedTexts


def encoded(*rows: list[int]) -> EncodedTexts:
    flat = np.array([i for row in rows for i in row], np.int32)
    return EncodedTexts(flat, np.cumsum([0, *map(len, rows)]))


def joined() -> TokenBatch:
    segments = [
        EncodedSegment((1,), in_loss=False),
        EncodedSegment(encoded([10, 11], [20]), in_loss=False),
        EncodedSegment(encoded([12], [21, 22]), in_loss=True),
        EncodedSegment((2,), in_loss=True),
    ]
    return join_segments(segments, rows=2)


def rows(tokens: TokenBatch) -> list[tuple[list[int], list[int], int]]:
    starts = tokens.offsets[:-1].tolist()
    bounds = list(zip(starts, tokens.offsets[1:].tolist(), strict=True))
    return [
        (tokens.input_ids[a:b].tolist(), tokens.label_mask[a:b].astype(int).tolist(), int(start))
        for (a, b), start in zip(bounds, tokens.target_start, strict=True)
    ]


FIRST = ([1, 10, 11, 12, 2], [0, 0, 0, 1, 1], 3)
SECOND = ([1, 20, 21, 22, 2], [0, 0, 1, 1, 1], 2)


def test_the_stretches_of_a_row_stand_one_after_another() -> None:
    assert rows(joined()) == [FIRST, SECOND]
    assert joined().target_start.dtype == np.int32


def test_rows_are_taken_in_any_order() -> None:
    assert rows(joined().take(np.array([1, 0, 1]))) == [SECOND, FIRST, SECOND]
    none = joined().take(np.array([], np.int64))
    assert rows(none) == []
    assert len(none.label_mask) == 0


def test_batches_are_joined_row_by_row() -> None:
    assert rows(TokenBatch.concatenate([joined(), joined()])) == [FIRST, SECOND, FIRST, SECOND]


def test_equal_means_every_id() -> None:
    whole = encoded([10, 11, 12], [20, 21, 99])
    assert joined_equal(encoded([10, 11], [20]), encoded([12], [21, 22]), whole).tolist() == [
        True,
        False,
    ]


def test_the_columns_of_a_shard_hold_the_batch_and_give_it_back() -> None:
    columns = joined().columns()
    assert {name: column.to_pylist() for name, column in columns.items()} == {
        "input_ids": [FIRST[0], SECOND[0]],
        "label_mask": [[False] * 3 + [True] * 2, [False] * 2 + [True] * 3],
        "target_start": [3, 2],
    }
    batch = pa.RecordBatch.from_pydict(columns)
    assert rows(TokenBatch.from_batch(batch)) == [FIRST, SECOND]
    assert rows(TokenBatch.from_batch(batch.slice(1))) == [SECOND]


def test_no_batches_are_no_rows() -> None:
    assert rows(TokenBatch.concatenate([])) == []


def test_a_row_without_ids_of_its_own_in_a_segment_is_shorter() -> None:
    segments = [
        EncodedSegment(encoded([10], []), in_loss=False),
        EncodedSegment(encoded([], [21]), in_loss=True),
    ]
    assert rows(join_segments(segments, rows=2)) == [([10], [0], 1), ([21], [1], 0)]
