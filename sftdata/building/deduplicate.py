"""Drop rows whose id or content appeared earlier in the sources.

Which rows a block loses depends on the blocks before it, so such a block is reused only if it
loses the same rows again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.conversation import Conversation
from sftdata.base.ledger_line import BlockLedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.examples.blocks import (
    CONTENT_HASH,
    ID_HASH,
    BlockRun,
    Blocks,
    DroppedRows,
    Slice,
    Slices,
)
from sftdata.reading.chunks import Chunk
from sftdata.reading.rows import RowReader
from sftdata.reading.screening.duplicates import NearDuplicates
from sftdata.reading.screening.seen_ids import SeenIds
from sftdata.spec.fields import MESSAGES

_REASONS = ("", Reason.REPEATED_ID, Reason.DUPLICATE, Reason.NEAR_DUPLICATE)
# Where the other row is depends on the rows before, so `kept_rows` adds it to the ledger's line.
_DETAILS = (
    "",
    "the id stands there more than once",
    "says the same as another row",
    "says nearly the same as another row",
)

Reasons = npt.NDArray[np.int8]  # [rows], index in _REASONS; 0: not a repeat


@dataclass
class Deduplicator:
    """Remembers ids and contents, and drops repeats of them from blocks."""

    reader: RowReader
    keep_contents: bool  # whether rows with equal content and different ids stay
    similarity: float | None  # from which rows are near duplicates; None: keep them
    folder: Path | None = None  # for files with the hashes of many rows; None: keep all in memory
    near: dict[str, str] = field(default_factory=dict)  # near duplicate → the row it is near to

    def __post_init__(self) -> None:
        self._ids, self._contents = SeenIds(self.folder), SeenIds(self.folder)
        self._near = NearDuplicates(self.similarity) if self.similarity is not None else None

    def drop_repeats(
        self,
        chunk_of: Callable[[int], Chunk],
        runs: Sequence[BlockRun],
        make: Callable[[int], BlockRun],
    ) -> list[BlockRun]:
        """The blocks without repeated rows; each block that loses rows becomes a run of its own.

        `chunk_of` gives the chunk of the block at an index. `make` makes the block at an index
        again, for a block that lost other rows in an earlier build.
        """
        reasons = self._find(np.concatenate([run.hashes for run in runs]))
        result, at, done = [], 0, 0
        for run in runs:
            own = reasons[done : done + len(run.hashes)]
            done += len(own)
            if run.dropped is not None:
                result.append(self._reuse_or_make(run, own, functools.partial(make, at)))
            elif self._near is None and not own.any():  # as nearly always
                result.append(run)
            else:
                result += self._split_off_repeats(chunk_of, at, run, own)
            at += len(run.blocks)
        return result

    def _split_off_repeats(
        self, chunk_of: Callable[[int], Chunk], first: int, run: BlockRun, reasons: Reasons
    ) -> Iterator[BlockRun]:
        """The run, split so that each block with repeated rows is apart and without them.

        `first`: index of the first block of the run.
        """
        ends = np.cumsum(run.blocks.rows.sum(axis=1))
        suspects = np.unique(np.searchsorted(ends, np.flatnonzero(reasons), side="right"))
        if self._near is not None:
            suspects = np.arange(len(run.blocks))
        done = 0
        for at in suspects.tolist():
            block = run.slice(at, at + 1)
            own = reasons[ends[at] - len(block.hashes) : ends[at]]
            if self._near is not None:
                self._find_near(chunk_of(first + at), block.slices, own)
            if not own.any():
                continue
            if at > done:
                yield run.slice(done, at)
            yield self._without(block, own)
            done = at + 1
        if len(run.blocks) > done:
            yield run.slice(done, len(run.blocks))

    def _reuse_or_make(
        self, run: BlockRun, reasons: Reasons, make: Callable[[], BlockRun]
    ) -> BlockRun:
        """The block of an earlier build if it loses the same rows again, else made again."""
        assert run.dropped is not None
        if np.array_equal(reasons, run.dropped.reasons):
            return run
        return self._without(make(), reasons) if reasons.any() else make()

    def _find(self, hashes: npt.NDArray[np.uint64]) -> Reasons:
        reasons = np.zeros(len(hashes), np.int8)
        same_id = self._ids.add(hashes[:, ID_HASH])
        # A row that goes for its id is in no dataset, so it is not the first with its content.
        same_content = self._contents.add(hashes[:, CONTENT_HASH], ~same_id)
        reasons[same_id] = _REASONS.index(Reason.REPEATED_ID)
        if self.keep_contents:
            same_content &= same_id
        reasons[same_content] = _REASONS.index(Reason.DUPLICATE)
        return reasons

    def _find_near(self, chunk: Chunk, slices: Slices, reasons: Reasons) -> None:
        assert self._near is not None
        rows = self.reader.parse([chunk]).batch
        texts = dict(zip(_ids(rows), _contents(rows), strict=True))
        for place, row_id in enumerate(_ids_of(slices)):
            if reasons[place]:
                continue
            near = self._near.add(row_id, texts[row_id])
            if near is not None:
                reasons[place] = _REASONS.index(Reason.NEAR_DUPLICATE)
                self.near[row_id] = near

    def _without(self, run: BlockRun, reasons: Reasons) -> BlockRun:
        """A run of one block without the rows that have a reason to go."""
        kept = reasons == 0
        ids, lines = _ids_of(run.slices), run.blocks.lines
        repeated = [
            BlockLedgerLine(
                ids[place],
                int(lines[place]),
                Status.DROPPED,
                _REASONS[reasons[place]],
                _DETAILS[reasons[place]],
            )
            for place in np.flatnonzero(~kept).tolist()
        ]
        left_out = {(entry.row_id, entry.line) for entry in repeated}
        gone = {entry.row_id for entry in repeated}
        ledger = [e for _, e in run.blocks.ledger if (e.row_id, e.line) not in left_out]
        at, fewer = 0, []
        for split in run.slices:
            rows = sum(part.rows for part in split)
            fewer.append(_rows_kept(split, kept[at : at + rows]))
            at += rows
        left = set(_ids_of(fewer))
        blocks = Blocks(
            rows_in=run.blocks.rows_in,
            rows=np.array([[sum(part.rows for part in split) for split in fewer]]),
            hashes=run.blocks.hashes[kept],
            lines=lines[kept],
            ledger=[(0, e) for e in sorted([*ledger, *repeated], key=lambda entry: entry.line)],
            whole_text_differs=[
                (0, row_id)
                for _, row_id in run.blocks.whole_text_differs
                if row_id not in gone or row_id in left
            ],
        )
        return BlockRun(blocks, fewer, DroppedRows(run.blocks.hashes, lines, reasons))


def repeats_of(dropped: DroppedRows) -> npt.NDArray[np.uint64]:
    """uint64[dropped rows, 4]: id and content of each, in the order of their ledger lines."""
    places = np.flatnonzero(dropped.reasons)
    by_line = np.argsort(dropped.lines[places], kind="stable")
    return dropped.hashes[places[by_line]]


def _ids(batch: pa.RecordBatch) -> list[str]:
    ids: list[str] = batch.column("row_id").to_pylist()
    return ids


def _ids_of(slices: Slices) -> list[str]:
    return [
        row_id
        for split in slices
        for part in split
        for row_id in _ids(part.batch.slice(part.start, part.rows))
    ]


def _contents(rows: pa.RecordBatch) -> list[str]:
    """All golden fields of each row, or all turns of a conversation, one after another."""
    if MESSAGES in rows.schema.names:
        talks = map(Conversation.from_json, rows.column(MESSAGES).to_pylist())
        return [" ".join(talk.texts) for talk in talks]
    names = [name for name in rows.schema.names if name != "row_id"]
    return [" ".join(row[name] for name in names) for row in rows.select(names).to_pylist()]


def _rows_kept(split: list[Slice], kept: npt.NDArray[np.bool_]) -> list[Slice]:
    """Slices of the rows that are kept."""
    runs, at = [], 0
    for part in split:
        rows = np.flatnonzero(kept[at : at + part.rows]) + part.start
        at += part.rows
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if len(run):
                runs.append(replace(part, start=int(run[0]), rows=len(run)))
    return runs
