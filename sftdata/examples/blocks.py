"""Blocks: the rows of a chunk that get the same template, the unit that a rebuild reuses.

A build has one for every 16 KiB of its sources, so the counts of many blocks are kept in arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.ledger_line import BlockLedgerLine

Slices = list[list["Slice"]]  # for each split, the rows of some blocks in order

ID_HASH, CONTENT_HASH = slice(0, 2), slice(2, 4)  # columns of the hashes of an example


@dataclass(frozen=True, slots=True)
class Blocks:
    """Counts, hashes and ledger lines of blocks that follow each other in a source."""

    rows_in: npt.NDArray[np.int64]  # [blocks], source rows
    rows: npt.NDArray[np.int64]  # [blocks, splits], examples
    hashes: npt.NDArray[np.uint64]  # [examples, 4]: ID_HASH, CONTENT_HASH; by block, then by split
    lines: npt.NDArray[np.int32]  # [examples], in the same order: counted from the chunk's first
    ledger: Sequence[tuple[int, BlockLedgerLine]]  # block and line, sorted
    # Block and id of rows whose prompt and target, encoded as one text, have other token ids.
    whole_text_differs: Sequence[tuple[int, str]]

    def __len__(self) -> int:
        return len(self.rows_in)

    def slice(self, first: int, last: int) -> Blocks:
        """Blocks `first` to `last - 1`."""
        start, end = (int(self.rows[:at].sum()) for at in (first, last))
        return Blocks(
            self.rows_in[first:last],
            self.rows[first:last],
            self.hashes[start:end],
            self.lines[start:end],
            [(at - first, line) for at, line in self.ledger if first <= at < last],
            [(at - first, row) for at, row in self.whole_text_differs if first <= at < last],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Blocks]) -> Blocks:
        """The blocks of all parts (at least one part), one after another."""
        before = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        return cls(
            np.concatenate([part.rows_in for part in parts]),
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.hashes for part in parts]),
            np.concatenate([part.lines for part in parts]),
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
    is_reused: bool  # whether the batch is mapped from a shard of an earlier build


@dataclass(frozen=True, slots=True)
class DroppedRows:
    """The repeated rows that were dropped from a block, among all the examples it had before."""

    hashes: npt.NDArray[np.uint64]  # [examples before, 4]
    lines: npt.NDArray[np.int32]  # [examples before], see `Blocks`
    reasons: npt.NDArray[np.int8]  # [examples before], see `deduplicate`; 0 for those kept


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Blocks that follow each other, and where their examples are."""

    blocks: Blocks
    slices: Slices
    dropped: DroppedRows | None = None  # only in a run of one block

    @property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """uint64[examples, 4]: the hashes before repeated rows were dropped."""
        return self.blocks.hashes if self.dropped is None else self.dropped.hashes

    def slice(self, first: int, last: int) -> BlockRun:
        """Blocks `first` to `last - 1` of a run without dropped rows."""
        rows = self.blocks.rows
        starts, counts = rows[:first].sum(axis=0).tolist(), rows[first:last].sum(axis=0).tolist()
        return BlockRun(
            self.blocks.slice(first, last),
            [list(slice_rows(*one)) for one in zip(self.slices, starts, counts, strict=True)],
        )


def slice_rows(slices: Sequence[Slice], start: int, rows: int) -> Iterator[Slice]:
    """Rows `start` to `start + rows - 1` of all `slices` together."""
    for part in slices:
        taken = min(rows, part.rows - start)
        if taken > 0:
            yield replace(part, start=part.start + start, rows=taken)
            rows -= taken
        start = max(start - part.rows, 0)
