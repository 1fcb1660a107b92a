"""Token counts of every row, from the shards' offsets and masks and never from their ids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.columns import to_flags, to_numbers
from sftdata.loader import Split


def row_tokens(split: Split) -> npt.NDArray[np.int64]:
    """int64[rows]: the tokens of each row."""
    return _joined([np.diff(_offsets(batch)) for batch in _batches(split)])


def target_tokens(split: Split) -> npt.NDArray[np.int64]:
    """int64[rows]: the tokens of each row that count in the loss."""
    return _joined([_counted(batch) for batch in _batches(split)])


def _batches(split: Split) -> list[pa.RecordBatch]:
    columns = split.to_arrow().select(["input_ids", "label_mask"])
    return [batch for batch in columns.to_batches() if batch.num_rows]


def _offsets(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    return to_numbers(batch.column("input_ids").offsets).astype(np.int64)


def _counted(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    mask = batch.column("label_mask")
    before = np.concatenate(([0], np.cumsum(to_flags(mask.values), dtype=np.int64)))
    ends = to_numbers(mask.offsets).astype(np.int64)
    return np.diff(before[ends])


def _joined(parts: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
