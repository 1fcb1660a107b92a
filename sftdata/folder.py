"""The folder of one build: the shards of every split, and the journal of what is in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sftdata.blocks import Blocks, Run, Slice
from sftdata.journal import JournalWriter
from sftdata.manifest import sync_folder
from sftdata.shards import RowSizes, Shard, ShardWriter


class BuildFolder:
    """A new folder of `directory`, to which blocks are written in the order given."""

    def __init__(self, directory: Path, build: str, splits: Sequence[str]) -> None:
        folder = f"shards/{build}"
        self.path = directory / folder
        self.path.mkdir()
        self._writers = {split: ShardWriter(directory, folder, split) for split in splits}
        self._journal = JournalWriter(self.path)

    def add(
        self, keys: Sequence[bytes], trimmed: Sequence[int], blocks: Blocks, runs: Sequence[Run]
    ) -> None:
        """Writes the examples of `blocks`, which are in `runs` (see `JournalWriter.add`)."""
        self._journal.add(keys, trimmed, blocks)
        by_split = zip(*(run.slices for run in runs), strict=True)
        for writer, parts in zip(self._writers.values(), by_split, strict=True):
            for part in _joined(part for slices in parts for part in slices):
                writer.append(part.batch, part.start, part.rows)
        self._note_written()

    def finish(self) -> tuple[dict[str, list[Shard]], dict[str, RowSizes]]:
        """Writes the rest, on disk for certain: the shards of each split, and the sizes of rows."""
        shards = {split: writer.close() for split, writer in self._writers.items()}
        self._note_written()
        self._journal.close()
        sync_folder(self.path)
        return shards, {split: writer.sizes for split, writer in self._writers.items()}

    def abandon(self) -> None:
        """Closes the files as they are; nothing after `finish`."""
        with contextlib.suppress(OSError):  # of the error that ended the build already
            self._journal.close()
        for writer in self._writers.values():
            writer.abandon()

    def _note_written(self) -> None:
        for split, writer in self._writers.items():
            for written in writer.take_written():
                self._journal.note_written(split, written)


def _joined(parts: Iterable[Slice]) -> Iterator[Slice]:
    """The slices, those that lie side by side in a batch made one."""
    batch, start, rows = None, 0, 0
    for part in parts:
        if not part.rows:
            continue
        if part.batch is batch and part.start == start + rows:
            rows += part.rows
            continue
        if batch is not None:
            yield Slice(batch, start, rows)
        batch, start, rows = part.batch, part.start, part.rows
    if batch is not None:
        yield Slice(batch, start, rows)
