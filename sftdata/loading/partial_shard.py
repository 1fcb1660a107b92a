"""A shard in an object store: only the record batches that are used are fetched."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from sftdata.base.schema import check_batch
from sftdata.loading.partial_file import PartialFile, PartialStream


class PartialShard:
    """Reads record batches through the copy that grows; each is checked at its first use."""

    def __init__(self, file: PartialFile, batch_rows: Sequence[int]) -> None:
        self._file, self._rows = file, batch_rows
        self._fetching = pa.ipc.open_file(pa.PythonFile(PartialStream(file), mode="r"))
        self._checked: set[int] = set()
        if self._fetching.num_record_batches != len(batch_rows):
            raise ValueError("its rows are not those that the manifest lists")

    def get_batch(self, number: int) -> pa.RecordBatch:
        """The record batch, memory-mapped. Raises `ValueError` for one that no build wrote."""
        if number not in self._checked:
            batch = self._fetching.get_batch(number)  # fetches its bytes, and those of its labels
            check_batch(batch)
            if batch.num_rows != self._rows[number]:
                raise ValueError("its rows are not those that the manifest lists")
            self._checked.add(number)
        return self._mapped.get_batch(number)

    @property
    def num_record_batches(self) -> int:
        """The number of record batches."""
        return len(self._rows)

    @property
    def _mapped(self) -> pa.RecordBatchFileReader:
        # A new one each time: Arrow reads the labels with the first batch, when they are there.
        return pa.ipc.open_file(pa.memory_map(str(self._file.path)))
