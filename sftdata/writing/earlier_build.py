"""An earlier build, committed or killed, whose blocks and shards the next build can reuse.

Blocks are found by key in its journal; their examples are memory-mapped from its shards.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import to_numbers
from sftdata.base.files import is_intact
from sftdata.base.schema import RowSizes, label_column
from sftdata.examples.blocks import BlockRun, Blocks, DroppedRows, Slice, slice_rows
from sftdata.reading.outline import Outline
from sftdata.writing.journal import (
    KEY_BYTES,
    BlocksLine,
    Journal,
    read_blocks_at,
    read_journal,
    read_placed_blocks,
)
from sftdata.writing.shards import Shard, ShardProgress, read_batches


@dataclass(frozen=True, slots=True)
class BlockLocation:
    """Where a reusable block is: build, line of its journal, and index in the line."""

    build: EarlierBuild
    line: int
    index: int
    has_drops: bool  # whether rows were dropped from it as repeats


class EarlierBuild:
    """Blocks with their examples, by key, and whole shards of one build folder.

    A shard is reused only if its bytes have the digest in the journal; shards in `untouched` are
    known to have it. Nothing is reused of a killed build whose engine had not passed its
    exactness check. The files of a build that `is_committed` are on disk.
    """

    def __init__(
        self,
        folder: Path,
        splits: Sequence[str],
        labels: Sequence[str],
        *,
        is_committed: bool,
        untouched: Container[str] = (),
    ) -> None:
        self.folder, self.is_committed = folder, is_committed
        self._lines: list[_Line] = []
        self._locations: dict[bytes, tuple[int, int]] = {}  # by key: line, and index in it
        journal = read_journal(folder, with_blocks=False)
        is_usable = True
        if not (is_committed or journal.is_checked):
            journal, is_usable = Journal(), False
        self._whole = journal.shards
        self._shards = [
            [
                _FinishedShard(folder / file, state, labels, file in untouched)
                for (name, file), state in sorted(journal.progress.items())
                if name == split
            ]
            for split in splits
        ]
        self._by_file = {shard.path.name: shard for shards in self._shards for shard in shards}
        self._ends = [list(accumulate(shard.rows for shard in own)) for own in self._shards]
        self._loaded: tuple[int, Blocks] | None = None  # the line that was last used
        if is_usable:
            self._index(read_placed_blocks(folder))

    def _index(self, lines: Iterable[tuple[int, BlocksLine]]) -> None:
        position = np.zeros(len(self._shards), np.int64)
        available = np.array([ends[-1] if ends else 0 for ends in self._ends])
        for place, own in lines:
            rows = own.rows
            if rows.shape[1] != len(self._shards):
                continue
            ends = position + np.cumsum(rows, axis=0)
            position = ends[-1]
            usable = ((ends <= available) | (rows == 0)).all(axis=1)
            dropped = own.dropped
            is_alone = ~usable
            is_alone[list(dropped)] = True
            joined = own.keys
            line = len(self._lines)
            self._lines.append(
                _Line(
                    place, own.outline, own.templates, joined, ends - rows, ends, dropped, is_alone
                )
            )
            keys = [joined[at : at + KEY_BYTES] for at in range(0, len(joined), KEY_BYTES)]
            for at in np.flatnonzero(usable).tolist():
                # The second of two equal chunks has lost all of its rows; keep the first.
                if not (at in dropped and keys[at] in self._locations):
                    self._locations[keys[at]] = line, at

    def find_block(self, key: bytes) -> BlockLocation | None:
        """Where the block with this key is; None if there is none, or a shard is damaged."""
        found = self._locations.get(key)
        if found is None or not self._is_readable(self._lines[found[0]]):
            return None
        return BlockLocation(self, *found, found[1] in self._lines[found[0]].dropped)

    def count_adjacent(self, location: BlockLocation, keys: bytes) -> int:
        """How many blocks from `location` on have these keys, one after another.

        `keys` are joined; the first is that of `location`. A block with dropped rows counts alone.
        """
        line = self._lines[location.line]
        if location.has_drops:
            return 1
        own = np.frombuffer(line.keys, "<u8").reshape(-1, 2)[location.index :]
        wanted = np.frombuffer(keys, "<u8").reshape(-1, 2)[: len(own)]
        own, is_alone = own[: len(wanted)], line.is_alone[location.index :][: len(wanted)]
        ends = np.flatnonzero((own != wanted).any(axis=1) | is_alone)
        return int(ends[0]) if len(ends) else len(wanted)

    def load_run(self, location: BlockLocation, blocks: int) -> BlockRun:
        """The run of `blocks` blocks that starts at `location`."""
        line, first, last = self._lines[location.line], location.index, location.index + blocks
        bounds = zip(line.starts[first].tolist(), line.ends[last - 1].tolist(), strict=True)
        return BlockRun(
            self._load_blocks(location.line).slice(first, last),
            [list(self._slices(split, start, end)) for split, (start, end) in enumerate(bounds)],
            line.dropped.get(first),
        )

    def _load_blocks(self, line: int) -> Blocks:
        """The blocks of a line, with hashes of all their rows: too much to keep for each line."""
        if self._loaded is None or self._loaded[0] != line:
            self._loaded = line, read_blocks_at(self.folder, self._lines[line].place).blocks
        return self._loaded[1]

    def outlines_after(self, location: BlockLocation) -> Iterator[Outline]:
        """Outlines of the chunks that followed the chunk of this block in its source."""
        here = self._lines[location.line]
        rest = here.outline.after(location.index // here.templates)
        later = (line.outline for line in self._lines[location.line + 1 :])
        for outline in chain([rest], later):
            if not outline.is_closed:  # the source ended here, or it is a table
                return
            if len(outline):
                yield outline

    def find_shards(self, split: str, key: bytes) -> tuple[list[Shard], RowSizes] | None:
        """The shards whose content has this key, and their row sizes; None if not reusable."""
        whole = self._whole.get((split, key))
        if whole is None:
            return None
        shards = whole.shards
        files = [self._by_file.get(shard.file) for shard in shards]
        if not all(f and f.is_whole(s.bytes) for f, s in zip(files, shards, strict=True)):
            return None
        return shards, whole.sizes

    def _is_readable(self, line: _Line) -> bool:
        if line.is_readable is None:
            line.is_readable = all(
                shard.is_intact
                for split, (start, end) in enumerate(
                    zip(line.starts[0], line.ends[-1], strict=True)
                )
                for shard, _ in self._overlapping(split, int(start), int(end))
            )
        return line.is_readable

    def _slices(self, split: int, start: int, end: int) -> Iterator[Slice]:
        for shard, first in self._overlapping(split, start, end):
            begin = max(start - first, 0)
            yield from slice_rows(shard.slices, begin, min(end - first, shard.rows) - begin)

    def _overlapping(
        self, split: int, start: int, end: int
    ) -> Iterator[tuple[_FinishedShard, int]]:
        """The shards with any of these rows of the split, and the first row of each."""
        ends = self._ends[split]
        for at in range(bisect_right(ends, start), len(ends)):
            shard = self._shards[split][at]
            if ends[at] - shard.rows >= end:
                return
            yield shard, ends[at] - shard.rows


@dataclass(slots=True)
class _Line:
    """A line of blocks, and where its rows are in the splits."""

    place: int  # in the journal
    outline: Outline
    templates: int
    keys: bytes  # joined
    starts: npt.NDArray[np.int64]  # [blocks, splits]: where their rows start in each split
    ends: npt.NDArray[np.int64]  # [blocks, splits], and where they end
    dropped: Mapping[int, DroppedRows]  # by index in the line
    is_alone: npt.NDArray[np.bool_]  # [blocks]: rows dropped, or not all written
    is_readable: bool | None = None  # None: not checked yet


class _FinishedShard:
    """A shard of an earlier build, perhaps unfinished. It is read when it is needed."""

    def __init__(
        self, path: Path, written: ShardProgress, labels: Sequence[str], is_known: bool
    ) -> None:
        self.path, self._written, self._labels, self._is_known = path, written, labels, is_known
        self.rows = written.rows

    @cached_property
    def is_intact(self) -> bool:
        """Whether the bytes that the journal records are there."""
        return self._is_known or is_intact(self.path, self._written.size, self._written.xxh3)

    def is_whole(self, size: int) -> bool:
        """Whether the file is intact and has exactly `size` bytes."""
        return self.is_intact and self.path.stat().st_size == size

    @cached_property
    def slices(self) -> list[Slice]:
        """Its record batches, memory-mapped, with the labels of this build."""
        return [
            Slice(_relabel(batch, self._labels), 0, batch.num_rows, is_reused=True)
            for batch in read_batches(self.path, self.rows)
        ]


def _relabel(batch: pa.RecordBatch, labels: Sequence[str]) -> pa.RecordBatch:
    """The batch with the template labels of this build.

    A release that changes no token only changes the version in the label, so its rows take the
    new label. Rows of templates that are gone get any label: no key finds them.
    """
    column = batch.column("template")
    old = column.dictionary.to_pylist()
    if old == list(labels):
        return batch
    ids = [label.partition("@")[0] for label in labels]
    new = [
        labels.index(label)
        if label in labels
        else ids.index(label.partition("@")[0])
        if label.partition("@")[0] in ids
        else 0
        for label in old
    ]
    index = np.array(new, np.int8)[to_numbers(column.indices)]
    place = batch.schema.get_field_index("template")
    return batch.set_column(place, batch.schema.field(place), label_column(index, labels))
