"""Token counts of every row of a split, from its offsets and masks and never from its ids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.lengths import row_lengths, row_offsets
from sftdata.loader import Split


def row_tokens(split: Split) -> npt.NDArray[np.int64]:
    """int64[rows]: the tokens of each row. Reads the offsets only."""
    counts = [np.diff(row_offsets(batch)) for batch in _batches(split)]
    return np.concatenate(counts) if counts else np.empty(0, np.int64)


def split_lengths(split: Split) -> npt.NDArray[np.int32]:
    """int32[rows, 3]: prompt tokens, tokens in the loss and all tokens of each row."""
    counts = [row_lengths(batch) for batch in _batches(split)]
    return np.concatenate(counts) if counts else np.empty((0, 3), np.int32)


def _batches(split: Split) -> list[pa.RecordBatch]:
    return [batch for batch in split.to_arrow().to_batches() if batch.num_rows]
