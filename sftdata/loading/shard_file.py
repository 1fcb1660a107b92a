"""A shard that is opened for reading: checked once, before Arrow parses it.

A damaged shard must not be read silently, and must not crash the process, which wrong offsets would
do. So its size and its fast digest are compared, then its record batches are validated. That takes
0.1 s for 280 MB, each time a process opens the shard; a large shard that passed is remembered by
its stamp (`base.cache`). The sha256, which takes six times as long, is left to `verify`. Of a
shard in an object store, only the pieces that are used are fetched and checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import pyarrow as pa

from sftdata.base.cache import record_file, unchanged_files
from sftdata.base.files import is_of_machine, stamp
from sftdata.base.schema import check_batch
from sftdata.base.wording import reason_of
from sftdata.errors import VerificationError
from sftdata.loading.partial_shard import PartialShard
from sftdata.loading.stored import open_partial
from sftdata.writing.dataset_files import find_fault
from sftdata.writing.manifest import Manifest


class ShardFile:
    """A shard of a dataset, memory-mapped when it is first read."""

    def __init__(self, manifest: Manifest, shard: Mapping[str, Any]) -> None:
        self._manifest, self._shard = manifest, shard
        self._path = manifest.directory / shard["path"]

    @cached_property
    def batch_rows(self) -> list[int]:
        """The number of rows of each record batch."""
        recorded: list[int] | None = self._shard.get("batch_rows")
        if recorded is not None:  # manifests of older versions lack it
            return recorded
        return [self[at].num_rows for at in range(self._reader.num_record_batches)]

    def __getitem__(self, batch: int) -> pa.RecordBatch:
        with self._naming_faults():
            return self._reader.get_batch(batch)

    @cached_property
    def _reader(self) -> pa.ipc.RecordBatchFileReader | PartialShard:
        """The open file. Raises `VerificationError` when it is damaged or missing."""
        with self._naming_faults():
            if not self._path.is_file():
                partial = open_partial(self._manifest.directory, self._shard)
                if partial is not None:
                    return PartialShard(partial, self._shard["batch_rows"])
            if self._shard["path"] in unchanged_files(self._manifest.directory):
                return pa.ipc.open_file(pa.memory_map(str(self._path)))
            return self._open_checked()

    @contextmanager
    def _naming_faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, pa.ArrowException) as error:
            if is_of_machine(error):
                raise
            raise VerificationError(
                f"{self._path}: the shard cannot be read: {reason_of(error)}",
                f"Check the whole dataset: sftdata verify {self._manifest.directory}",
            ) from error

    def _open_checked(self) -> pa.ipc.RecordBatchFileReader:
        before = stamp(self._path)
        fault = find_fault(self._manifest, self._shard["path"], self._shard, is_quick=True)
        if fault is not None:
            raise ValueError(fault.removeprefix(f"{self._path}: "))
        reader = pa.ipc.open_file(pa.memory_map(str(self._path)))
        rows = []
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            check_batch(batch)
            rows.append(batch.num_rows)
        if sum(rows) != self._shard["rows"] or rows != self._shard.get("batch_rows", rows):
            raise ValueError("its rows are not those that the manifest lists")
        record_file(self._manifest.directory, self._shard["path"], before)
        return reader
