"""Blocks: what became of the rows of a chunk that one template renders, many blocks at a time.

A block is what a rebuild can use again. Most of what is known of blocks is kept in arrays, since a
build has a block for every sixteen kilobytes of its sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.ledger_line import BlockLedgerLine

Slices = list[list["Slice"]]  # by split, the rows of blocks in their order


@dataclass(frozen=True, slots=True)
class Blocks:
    """What became of blocks that follow each other in a source."""

    rows_in: npt.NDArray[np.int64]  # [blocks]
    rows: npt.NDArray[np.int64]  # [blocks, splits], those that came out
    hashes: npt.NDArray[np.uint64]  # [rows out, 4]: id and content; by block, then by split
    ledger: Sequence[tuple[int, BlockLedgerLine]]  # with its block, in order of both
    whole_text_differs: Sequence[tuple[int, str]]  # block and row whose one text has other ids

    def __len__(self) -> int:
        return len(self.rows_in)

    def part(self, first: int, last: int) -> Blocks:
        """Blocks `first` to `last - 1`."""
        start, end = (int(self.rows[:at].sum()) for at in (first, last))
        return Blocks(
            self.rows_in[first:last],
            self.rows[first:last],
            self.hashes[start:end],
            [(at - first, line) for at, line in self.ledger if first <= at < last],
            [(at - first, row) for at, row in self.whole_text_differs if first <= at < last],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Blocks]) -> Blocks:
        """The blocks of all parts, of which there is at least one, one after another."""
        before = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        return cls(
            np.concatenate([part.rows_in for part in parts]),
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.hashes for part in parts]),
            [(n + at, line) for n, p in zip(before, parts, strict=False) for at, line in p.ledger],
            [
                (n + at, row)
                for n, part in zip(before, parts, strict=False)
                for at, row in part.whole_text_differs
            ],
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows `start` to `start + rows - 1` of a record batch."""

    batch: pa.RecordBatch
    start: int
    rows: int
    is_finished: bool  # whether the batch is in a shard of an earlier build


@dataclass(frozen=True, slots=True)
class DroppedRows:
    """What a block was before rows were left out of it that repeat an earlier row."""

    hashes: npt.NDArray[np.uint64]  # [rows, 4]
    reasons: npt.NDArray[np.int8]  # [rows], 0 for those that stayed


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Blocks that follow each other, and where their examples are."""

    blocks: Blocks
    slices: Slices
    trimmed: DroppedRows | None = None  # then it is one block

    @property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """uint64[rows, 4]: those of the blocks before any row was left out."""
        return self.blocks.hashes if self.trimmed is None else self.trimmed.hashes

    def part(self, first: int, last: int) -> BlockRun:
        """Blocks `first` to `last - 1`, of a run in which nothing was left out."""
        rows = self.blocks.rows
        starts, counts = rows[:first].sum(axis=0).tolist(), rows[first:last].sum(axis=0).tolist()
        return BlockRun(
            self.blocks.part(first, last),
            [list(cut(*one)) for one in zip(self.slices, starts, counts, strict=True)],
        )


def cut(slices: Sequence[Slice], start: int, rows: int) -> Iterator[Slice]:
    """Rows `start` to `start + rows - 1` of what `slices` hold together."""
    for part in slices:
        taken = min(rows, part.rows - start)
        if taken > 0:
            yield replace(part, start=part.start + start, rows=taken)
            rows -= taken
        start = max(start - part.rows, 0)
