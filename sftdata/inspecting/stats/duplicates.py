"""The number of exact duplicates in a dataset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import to_numbers
from sftdata.base.hashing import hash_token_rows
from sftdata.base.schema import row_offsets


class DuplicateCounter:
    """Counts rows with the same token ids as an earlier row, by hashes of the ids."""

    def __init__(self) -> None:
        self._hashes: list[npt.NDArray[np.uint64]] = []

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Takes the rows of a shard's batch."""
        offsets = row_offsets(batch)
        ids = to_numbers(batch.column("input_ids").values)
        self._hashes.append(hash_token_rows(ids, offsets[:-1], offsets[1:]))

    @property
    def duplicates(self) -> int:
        """The number of exact duplicates."""
        hashes = np.concatenate([np.empty(0, np.uint64), *self._hashes])
        hashes.sort()
        return int((hashes[1:] == hashes[:-1]).sum())
