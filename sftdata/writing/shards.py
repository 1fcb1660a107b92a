"""Write and read shards: Arrow IPC files of examples, in order, hashed while they are written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from sftdata.base.files import sync
from sftdata.base.pieces import PieceDigests
from sftdata.base.schema import RowSizes, measure_rows, row_offsets, shard_schema
from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.writing.size_counts import SizeCounts

# A record batch also ends at this many tokens. It depends on the rows alone, so every run cuts at
# the same places.
_BATCH_TOKENS = 1 << 20
_MAGIC_BYTES = 8  # before the stream of messages in an Arrow IPC file


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished shard."""

    file: str  # its name in the folder of its build
    rows: int
    tokens: int
    target_tokens: int
    bytes: int
    sha256: str
    xxh3: str  # of the same bytes; every build checks it, since it is fast
    batch_rows: list[int]  # rows of each record batch, so that a reader need not open them all
    # See `base.pieces`; None: written by a version that did not record it.
    piece_xxh3: str | None = None

    def to_json(self, folder: str) -> dict[str, Any]:
        """The manifest's entry; `folder` is relative to the dataset."""
        entry = asdict(self)
        if self.piece_xxh3 is None:
            del entry["piece_xxh3"]
        return {"path": f"{folder}/{entry.pop('file')}", **entry}


@dataclass(frozen=True, slots=True)
class ShardProgress:
    """How far a shard is written: the first `size` bytes hold `rows` rows and have this digest."""

    file: str
    rows: int
    size: int
    xxh3: str


class _HashingFile:
    """A writable file that hashes the bytes written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.sha256 = hashlib.sha256()
        self.xxh3 = xxhash.xxh3_128()
        self.pieces = PieceDigests()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self.xxh3.update(data)
        self.pieces.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def sync_and_close(self) -> None:
        with self._file:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        self.closed = True


class ShardWriter:
    """Writes the examples of one split, in order, to one or more shards."""

    def __init__(
        self, folder: Path, split: str, *, mixed: bool = False, sizes: Sizes = DEFAULT_SIZES
    ) -> None:
        self._folder, self._split, self._sizes = folder, split, sizes
        self._schema = shard_schema(mixed=mixed)
        self._pending: list[tuple[pa.RecordBatch, int, int]] = []  # batch, first row, end row
        self._pending_rows = self._pending_tokens = 0
        self._file: _HashingFile | None = None
        self._rows = self._tokens = self._target_tokens = 0
        self._batch_rows: list[int] = []
        self.shards: list[Shard] = []
        self._progress: dict[str, ShardProgress] = {}  # by file, since it was last asked for
        self._sizes_written: list[RowSizes] = []  # since `end_shard` was last called
        self._returned = 0  # number of shards that `end_shard` has returned
        self.counts = SizeCounts()  # of all rows
        # fsync takes a while; meanwhile more can be written.
        self._syncing = ThreadPoolExecutor(max_workers=1)
        self._synced: list[Future[None]] = []

    def append(self, batch: pa.RecordBatch, start: int, rows: int) -> None:
        """Appends rows `start` to `start + rows - 1` of `batch`."""
        while rows:
            taken = min(rows, self._room(batch, start))
            self._add(batch, start, taken)
            start, rows = start + taken, rows - taken
            if (
                self._pending_rows >= self._sizes.batch_rows
                or self._pending_tokens >= _BATCH_TOKENS
            ):
                self._write_batch()

    def take_progress(self) -> list[ShardProgress]:
        """Progress of each shard that has grown since the last call."""
        progress, self._progress = list(self._progress.values()), {}
        return progress

    def end_shard(self) -> tuple[list[Shard], RowSizes]:
        """Writes the pending rows and ends the shard.

        Returns the shards finished since the last call, and the sizes of their rows.
        """
        if self._pending_rows:
            self._write_batch()
        if self._file is not None:
            self._finish_shard()
        shards, self._returned = self.shards[self._returned :], len(self.shards)
        return shards, self.take_sizes()

    def take_sizes(self) -> RowSizes:
        """The sizes of the rows that were written since the last call."""
        sizes, self._sizes_written = RowSizes.concatenate(self._sizes_written), []
        return sizes

    def link_shards(
        self, folder: Path, shards: Sequence[Shard], sizes: RowSizes, *, is_on_disk: bool
    ) -> bool:
        """Hard-links whole shards of another folder as the next shards.

        No row may be pending. `is_on_disk`: whether the files were fsynced before. Returns False,
        and links nothing, if the file system has no hard links or the files are gone.
        """
        new = [replace(s, file=self._name(n)) for n, s in enumerate(shards, len(self.shards))]
        try:
            for old, shard in zip(shards, new, strict=True):
                os.link(folder / old.file, self._folder / shard.file)
        except OSError:
            for shard in new:
                (self._folder / shard.file).unlink(missing_ok=True)
            return False
        self.shards += new
        if not is_on_disk:
            self._synced += [self._syncing.submit(sync, self._folder / s.file) for s in new]
        for shard in new:
            self._progress[shard.file] = ShardProgress(
                shard.file, shard.rows, shard.bytes, shard.xxh3
            )
        self._note_sizes(sizes)
        return True

    def close(self) -> list[Shard]:
        """Ends the last shard, waits until all are on disk, and returns the shards of the split."""
        self.end_shard()
        for synced in self._synced:
            synced.result()
        self._syncing.shutdown()
        return self.shards

    def abandon(self) -> None:
        """Closes the file of an unfinished shard as it is. Does nothing after `close`."""
        if self._file is not None:
            self._file.close()
        self._syncing.shutdown(wait=False)

    def _room(self, batch: pa.RecordBatch, start: int) -> int:
        """How many rows from `start` on fit the open record batch, at least one.

        A row belongs to the record batch in which it starts, so its own length never matters.
        """
        rows = self._sizes.batch_rows - self._pending_rows
        offsets = row_offsets(batch)[start : start + rows]
        tokens = offsets - offsets[0]
        return int(np.searchsorted(tokens, _BATCH_TOKENS - self._pending_tokens))

    def _add(self, batch: pa.RecordBatch, start: int, rows: int) -> None:
        if self._pending and self._pending[-1][0] is batch and self._pending[-1][2] == start:
            self._pending[-1] = (batch, self._pending[-1][1], start + rows)
        else:
            self._pending.append((batch, start, start + rows))
        offsets = row_offsets(batch)
        self._pending_rows += rows
        self._pending_tokens += int(offsets[start + rows] - offsets[start])

    def _write_batch(self) -> None:
        batch = copy_rows([batch.slice(start, end - start) for batch, start, end in self._pending])
        if self._file is None:
            self._open_shard()
        self._writer.write_batch(batch)
        sizes = measure_rows(batch)
        self._note_sizes(sizes)
        self._rows += batch.num_rows
        self._batch_rows.append(batch.num_rows)
        self._tokens += int(sizes.tokens.sum())
        self._target_tokens += int(sizes.target_tokens.sum())
        assert self._file is not None
        self._file.flush()
        self._note_progress()
        self._pending, self._pending_rows, self._pending_tokens = [], 0, 0
        if self._tokens >= self._sizes.shard_tokens:
            self._finish_shard()

    def _note_sizes(self, sizes: RowSizes) -> None:
        self._sizes_written.append(sizes)
        self.counts.add(sizes)

    def _note_progress(self) -> None:
        assert self._file is not None
        digest = self._file.xxh3.hexdigest()
        name = self._name(len(self.shards))
        self._progress[name] = ShardProgress(name, self._rows, self._file.size, digest)

    def _name(self, number: int) -> str:
        return f"{self._split}-{number:05d}.arrow"

    def _open_shard(self) -> None:
        self._file = _HashingFile(self._folder / self._name(len(self.shards)))
        self._writer = pa.ipc.new_file(self._file, self._schema)

    def _finish_shard(self) -> None:
        assert self._file is not None
        self._writer.close()
        self._file.flush()  # the journal will name these bytes, so they must outlive this process
        self._note_progress()
        self._synced.append(self._syncing.submit(self._file.sync_and_close))
        self.shards.append(
            Shard(
                file=self._name(len(self.shards)),
                rows=self._rows,
                tokens=self._tokens,
                target_tokens=self._target_tokens,
                bytes=self._file.size,
                sha256=self._file.sha256.hexdigest(),
                xxh3=self._file.xxh3.hexdigest(),
                batch_rows=self._batch_rows,
                piece_xxh3=self._file.pieces.hexdigest(),
            )
        )
        self._file = None
        self._rows = self._tokens = self._target_tokens = 0
        self._batch_rows = []


def copy_rows(slices: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """The rows of the slices, copied into one batch."""
    # `combine_chunks` does not copy a lone slice, whose buffers would then show how it was cut.
    # An empty slice beside it makes Arrow copy.
    table = pa.Table.from_batches([*slices, slices[0].slice(0, 0)]).unify_dictionaries()
    (batch,) = table.combine_chunks().to_batches()
    return batch


def open_batches(path: Path) -> list[pa.RecordBatch]:
    """Every record batch of a finished shard, memory-mapped."""
    with pa.memory_map(str(path)) as mapped:
        file = pa.ipc.open_file(mapped)
        return [file.get_batch(i) for i in range(file.num_record_batches)]


def read_batches(path: Path, rows: int) -> list[pa.RecordBatch]:
    """The memory-mapped record batches with the first `rows` rows of a shard.

    The shard may be unfinished. Raises `pa.ArrowInvalid` when it holds fewer rows.
    """
    with pa.memory_map(str(path)) as mapped:
        stream = pa.ipc.open_stream(mapped.read_buffer().slice(_MAGIC_BYTES))
    batches = []
    while rows > 0:
        try:
            batch = stream.read_next_batch()
        except StopIteration:  # it would end a generator that calls this, without a word
            raise pa.ArrowInvalid(f"{path} ends {rows} rows early") from None
        batches.append(batch)
        rows -= batch.num_rows
    return batches
