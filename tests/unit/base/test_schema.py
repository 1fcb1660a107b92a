"""Sizes of rows: counted from the columns of a shard, at any offset."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sftdata.base.schema import measure_rows, row_lengths, row_offsets, shard_schema


def test_prompt_target_and_all_tokens_of_each_row() -> None:
    batch = pa.RecordBatch.from_pylist(
        [
            {
                "row_id": "a",
                "template": "t",
                "input_ids": [7, 7, 7, 8, 8],
                "label_mask": [False] * 3 + [True] * 2,
                "target_start": 3,
            },
            {  # a conversation: its second question is not in the loss
                "row_id": "b",
                "template": "t",
                "input_ids": [7, 8, 7, 8],
                "label_mask": [False, True, False, True],
                "target_start": 1,
            },
        ],
        shard_schema(),
    )
    assert row_lengths(batch).tolist() == [[3, 2, 5], [1, 2, 4]]
    assert row_offsets(batch).tolist() == [0, 5, 9]
    sizes = measure_rows(batch)
    assert (sizes.tokens.tolist(), sizes.target_tokens.tolist()) == ([5, 4], [2, 2])
    assert (sizes.template.tolist(), sizes.task.tolist()) == ([0, 0], [0, 0])


@given(st.lists(st.lists(st.booleans(), max_size=20), max_size=12), st.integers(0, 5))
def test_true_values_are_counted_at_any_offset(masks: list[list[bool]], skip: int) -> None:
    rows = len(masks)
    batch = pa.record_batch(
        {
            "input_ids": pa.array([[1] * len(m) for m in masks], pa.list_(pa.int32())),
            "label_mask": pa.array(masks, pa.list_(pa.bool_())),
            "target_start": pa.array([0] * rows, pa.int32()),
        }
    ).slice(min(skip, rows))
    assert row_lengths(batch)[:, 1].tolist() == [sum(m) for m in masks[skip:]]
