"""The folder of one build: the shards of every split, and the journal.

The rows decide where a shard ends, as they decide where a chunk ends. So a changed row changes the
shard around it, and a rebuild links the other shards as they are.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from sftdata.base.files import sync
from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.examples.blocks import BlockRun, Blocks, Slice, slice_rows
from sftdata.reading.chunks import Chunks
from sftdata.reading.outline import Outline
from sftdata.writing.earlier_build import EarlierBuild
from sftdata.writing.journal import KEY_BYTES, BlocksLine, JournalWriter, read_block_lines
from sftdata.writing.manifest import SHARDS
from sftdata.writing.shards import Shard, ShardWriter, copy_rows
from sftdata.writing.size_counts import SizeCounts

UNFINISHED = "unfinished"  # name of the folder until the build is complete


class BuildFolder:
    """A new folder in `directory`, to which blocks are written in order.

    `splits`: the share of each. `earlier`: builds whose shards may be linked.
    """

    def __init__(
        self,
        directory: Path,
        splits: Mapping[str, float],
        labels: Sequence[str],
        earlier: Sequence[EarlierBuild],
        sizes: Sizes = DEFAULT_SIZES,
    ) -> None:
        self.path = directory / SHARDS / UNFINISHED
        self.path.mkdir()
        self._journal = JournalWriter(self.path)
        self._splits = [
            _SplitWriter(self.path, name, labels, earlier, self._journal, sizes) for name in splits
        ]
        shares = np.array(list(splits.values())) / sum(splits.values())
        # A split without a share has the rows that were given to it, perhaps all.
        self._shares = np.where(shares > 0, shares, 1.0)
        self._bytes_before = 0  # of the sources
        self._sizes = sizes

    def add_blocks(
        self,
        chunks: Chunks,
        keys: bytes,
        blocks: Blocks,
        runs: Sequence[BlockRun],
    ) -> None:
        """Writes the examples in `runs`: those of `blocks`, made of `chunks`.

        `keys`: the keys of the blocks, joined.
        """
        firsts = _ends(np.array([len(run.blocks) for run in runs]))
        dropped = [
            (at, run.dropped)
            for at, run in zip(firsts, runs, strict=False)
            if run.dropped is not None
        ]
        self._journal.add_blocks(chunks, keys, blocks, dropped)
        templates = len(blocks) // len(chunks)
        is_end = self._is_end(chunks.outline)
        hash_ends = _ends(blocks.rows.sum(axis=1))
        for at, split in enumerate(self._splits):
            slices = [part for run in runs for part in run.slices[at]]
            row_ends = _ends(blocks.rows[:, at])
            ends = ((np.flatnonzero(is_end[:, at]) + 1) * templates).tolist()
            first = 0
            for last in [*ends, len(blocks)]:
                hashes = blocks.hashes[hash_ends[first] : hash_ends[last]]
                rows = row_ends[last] - row_ends[first]
                own = keys[first * KEY_BYTES : last * KEY_BYTES]
                split.add_blocks(own, hashes, slice_rows(slices, row_ends[first], rows))
                if last in ends:
                    split.end_shard()
                first = last
            split.note_progress()

    def note_engine(self, *, is_checked: bool | None) -> None:
        """See `JournalWriter.note_engine`."""
        self._journal.note_engine(is_checked=is_checked)

    def read_blocks(self) -> Iterator[BlocksLine]:
        """The journal's lines of the blocks that were added so far."""
        self._journal.flush()
        return read_block_lines(self.path)

    def finish(self, build: str) -> tuple[dict[str, list[Shard]], dict[str, SizeCounts]]:
        """Writes the rest, fsyncs everything, and renames the folder to `build`.

        Returns the shards of each split and the counts of its row sizes.
        """
        for split in self._splits:
            split.end_shard()
            split.note_progress()
        shards = {split.name: split.writer.close() for split in self._splits}
        self._journal.finish(build)
        sync(self.path)
        home = self.path.with_name(build)
        set_aside(home)
        self.path = self.path.rename(home)
        sync(home.parent)
        return shards, {split.name: split.writer.counts for split in self._splits}

    def bytes_on_disk(self) -> int:
        """The bytes of its files that no other build has."""
        found = [path.stat() for path in self.path.iterdir()]
        return sum(status.st_size for status in found if status.st_nlink == 1)

    def abandon(self) -> None:
        """Closes the files as they are. Does nothing after `finish`."""
        with contextlib.suppress(OSError):  # another error has ended the build already
            self._journal.close()
        for split in self._splits:
            split.writer.abandon()

    def _is_end(self, chunks: Outline) -> npt.NDArray[np.bool_]:
        """bool[chunks, splits]: whether a shard of the split ends after the chunk.

        The digest of the chunk decides, with a probability in proportion to its length. So rows
        that are inserted or removed before the chunk make no difference.
        """
        hashes = np.frombuffer(chunks.digests, "<u8")[::2]
        before = self._bytes_before + np.cumsum(chunks.sizes)
        self._bytes_before = int(before[-1])
        # Shards grow with the rows before them, so neither their number nor the cost of one changed
        # row grows without end, and appended rows leave earlier shards alone.
        smallest, largest = self._sizes.min_shard_bytes, self._sizes.max_shard_bytes
        _, doublings = np.frexp(np.maximum(before / self._sizes.shard_share / smallest, 1))
        wanted = np.minimum(smallest * 2.0 ** (doublings - 1), largest)
        limit = np.minimum(self._shares * (chunks.sizes / wanted)[:, None], 1.0)
        return hashes.astype(np.float64)[:, None] < limit * 2.0**64


class _SplitWriter:
    """Writes the rows of one split to shards, and links shards that an earlier build has."""

    def __init__(
        self,
        folder: Path,
        name: str,
        labels: Sequence[str],
        earlier: Sequence[EarlierBuild],
        journal: JournalWriter,
        sizes: Sizes,
    ) -> None:
        self.name = name
        self.writer = ShardWriter(folder, name, sizes=sizes)
        self._labels = json.dumps(list(labels)).encode()  # every shard holds them
        self._earlier, self._journal = earlier, journal
        self._begin()

    def _begin(self) -> None:
        # Two digests: the number of blocks per call must make no difference.
        self._keys, self._hashes = xxhash.xxh3_128(self._labels), xxhash.xxh3_128()
        # The rows of the open shard while all of them are in shards of earlier builds.
        self._waiting: list[Slice] | None = []

    def add_blocks(
        self, keys: bytes, hashes: npt.NDArray[np.uint64], slices: Iterable[Slice]
    ) -> None:
        """Adds the rows of the next blocks. `hashes`: those of the rows that were not dropped."""
        self._keys.update(keys)
        self._hashes.update(hashes.tobytes())
        for part in _join_neighbours(slices):
            if self._waiting is not None and part.is_reused:
                self._waiting.append(part)
            else:
                self._write_waiting()
                self._write(part)

    def end_shard(self) -> None:
        """Ends the open shard, if any: links an earlier one with the same content, or writes it."""
        key = self._keys.digest() + self._hashes.digest()
        if not (self._waiting and self._link_earlier(key)):
            self._write_waiting()
        shards, sizes = self.writer.end_shard()
        if shards:
            self._journal.note_shards(self.name, key, shards, sizes)
        self._begin()

    def note_progress(self) -> None:
        """Records in the journal how far the shards are written."""
        for progress in self.writer.take_progress():
            self._journal.note_progress(self.name, progress)

    def _write_waiting(self) -> None:
        for part in self._waiting or ():
            self._write(part)
        self._waiting = None

    def _write(self, part: Slice) -> None:
        batch, start = part.batch, part.start
        # A small slice may wait long for more rows, and would keep its whole batch in memory.
        # Reused slices are only memory-mapped.
        if not part.is_reused and 2 * part.rows < batch.num_rows:
            batch, start = copy_rows([batch.slice(start, part.rows)]), 0
        self.writer.append(batch, start, part.rows)

    def _link_earlier(self, key: bytes) -> bool:
        for build in self._earlier:
            found = build.find_shards(self.name, key)
            if found is not None and self.writer.link_shards(
                build.folder, *found, is_on_disk=build.is_committed
            ):
                return True
        return False


def set_aside(folder: Path) -> None:
    """Renames the folder of a killed build, so that its blocks can be reused."""
    if folder.exists():
        others = folder.parent.glob(f"{folder.name}.*")
        numbers = [int(o.suffix[1:]) for o in others if o.suffix[1:].isdecimal()]
        number = max(numbers, default=-1) + 1
        folder.rename(folder.with_name(f"{folder.name}.{number}"))


def _ends(counts: npt.NDArray[np.int64]) -> list[int]:
    """0, then the running total of the counts."""
    return [0, *np.cumsum(counts).tolist()]


def _join_neighbours(parts: Iterable[Slice]) -> Iterator[Slice]:
    """The slices, with neighbours in the same batch joined."""
    last: Slice | None = None
    for part in parts:
        if last is not None and part.batch is last.batch and part.start == last.start + last.rows:
            last = replace(last, rows=last.rows + part.rows)
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last
