"""Token counts of rows, from the columns of a shard."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import to_numbers

_ONES = np.array([byte.bit_count() for byte in range(256)], np.uint8)


def row_offsets(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """int64[rows + 1]: where each row's tokens start in the flat values of `input_ids`."""
    offsets = to_numbers(batch.column("input_ids").offsets)
    return np.asarray(offsets.astype(np.int64))


def row_lengths(batch: pa.RecordBatch) -> npt.NDArray[np.int32]:
    """int32[rows, 3]: prompt tokens, target tokens and all tokens of each row.

    The prompt is what stands before the first target token; target tokens are those that count in
    the loss, and of a conversation with several answers they are not all that follows the prompt.
    """
    return np.stack(
        (
            to_numbers(batch.column("target_start")),
            _true_counts(batch.column("label_mask")),
            np.diff(row_offsets(batch)),
        ),
        axis=1,
    ).astype(np.int32)


def _true_counts(mask: pa.ListArray) -> npt.NDArray[Any]:
    """int[rows]: how many values of each list are true, counted by the byte and not by the bit."""
    values = mask.values
    offsets = to_numbers(mask.offsets).astype(np.int64) + values.offset
    data = np.frombuffer(values.buffers()[1] or b"", np.uint8)
    first = int(offsets[0]) // 8
    window = np.append(data[first : (int(offsets[-1]) + 7) // 8], np.uint8(0))
    before = np.concatenate(([0], np.cumsum(_ONES[window], dtype=np.int64)))
    byte, bit = offsets // 8 - first, (offsets % 8).astype(np.uint8)
    below = (np.left_shift(1, bit.astype(np.int64)) - 1).astype(np.uint8)
    return np.diff(before[byte] + _ONES[window[byte] & below])
