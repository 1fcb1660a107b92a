"""Repeats: rows with an id or a content that stood earlier in the sources are left out.

What is left out of a block depends on the blocks before it, so such a block is not used again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.blocks import Blocks, LedgerLine, Run, Slice, Slices
from sftdata.duplicates import NearDuplicates, SeenIds, content_hashes
from sftdata.fates import DROPPED
from sftdata.golden.chunks import Chunk
from sftdata.golden.rows import RowReader, Rows

DUPLICATE, REPEATED_ID, NEAR_DUPLICATE = "duplicate", "repeated_id", "near_duplicate"
_REASONS = ("", REPEATED_ID, DUPLICATE, NEAR_DUPLICATE)
_ID, _CONTENT = slice(0, 2), slice(2, 4)  # of a block's hashes

Reasons = npt.NDArray[np.int8]  # for each row an index in _REASONS; 0 for no repeat


@dataclass
class Repeats:
    """Remembers ids and contents, and takes repeats of them out of blocks."""

    reader: RowReader
    keep_contents: bool  # whether rows of other id and equal content stay
    similarity: float | None  # of near duplicates; None: they stay
    repeated_ids: set[str] = field(default_factory=set)  # ids the sources gave more than once

    def __post_init__(self) -> None:
        self._ids, self._contents = SeenIds(), SeenIds()
        self._near = NearDuplicates(self.similarity) if self.similarity is not None else None

    def take_out(self, chunks: Sequence[Chunk], runs: Sequence[Run]) -> tuple[list[Run], list[int]]:
        """The blocks without repeated rows, and the places of those that some were taken out of.

        `chunks` has the chunk of each block.
        """
        reasons = self._find(np.concatenate([run.blocks.hashes for run in runs]))
        if self._near is None and not reasons.any():  # as nearly always
            return list(runs), []
        result, trimmed, done = [], [], 0
        blocks = [block for run in runs for block in run.one_by_one()]
        for at, (chunk, block) in enumerate(zip(chunks, blocks, strict=True)):
            own = reasons[done : done + len(block.blocks.hashes)]
            done += len(own)
            if self._near is not None:
                self._find_near(chunk, block.slices, own)
            if own.any():
                trimmed.append(at)
                block = self._without(chunk, block, own)
            result.append(block)
        return result, trimmed

    def _find(self, hashes: npt.NDArray[np.uint64]) -> Reasons:
        reasons = np.zeros(len(hashes), np.int8)
        same_id = self._ids.add(hashes[:, _ID])
        same_content = self._contents.add(hashes[:, _CONTENT])
        reasons[same_id] = _REASONS.index(REPEATED_ID)
        if self.keep_contents:
            same_content &= same_id
        reasons[same_content] = _REASONS.index(DUPLICATE)
        return reasons

    def _find_near(self, chunk: Chunk, slices: Slices, reasons: Reasons) -> None:
        assert self._near is not None
        rows = self.reader.parse([chunk]).batch
        texts = dict(zip(_ids(rows), _contents(rows), strict=True))
        for place, row_id in enumerate(_ids_of(slices)):
            if not reasons[place] and self._near.add(row_id, texts[row_id]) is not None:
                reasons[place] = _REASONS.index(NEAR_DUPLICATE)

    def _without(self, chunk: Chunk, run: Run, reasons: Reasons) -> Run:
        """A run of one block without the rows that have a reason."""
        parsed = self.reader.parse([chunk])  # for the lines, which the shards do not hold
        lines = _Lines(parsed, chunk)
        kept = reasons == 0
        ids = _ids_of(run.slices)
        repeated = []
        for place in np.flatnonzero(~kept).tolist():
            row_id, reason = ids[place], _REASONS[reasons[place]]
            line, is_own = lines.last(run.blocks.hashes[place])
            if reason == REPEATED_ID and is_own:
                self.repeated_ids.add(row_id)
                detail = f"the id '{row_id}' stands there more than once"
            else:
                reason = DUPLICATE if reason == REPEATED_ID else reason
                near = "nearly " if reason == NEAR_DUPLICATE else ""
                detail = f"says {near}the same as another row"
            repeated.append(LedgerLine(row_id, line, DROPPED, reason, detail))
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
            ledger=[(0, e) for e in sorted([*ledger, *repeated], key=lambda entry: entry.line)],
            whole_text_differs=[
                (0, row_id)
                for _, row_id in run.blocks.whole_text_differs
                if row_id not in gone or row_id in left
            ],
        )
        return Run(blocks, fewer)


class _Lines:
    """The lines of a chunk's rows, relative to its first."""

    def __init__(self, rows: Rows, chunk: Chunk) -> None:
        self._places: dict[bytes, list[tuple[int, bool]]] = {}
        hashes = np.concatenate((rows.hashes, content_hashes(rows.batch)), axis=1)
        for own, line, is_own in zip(
            hashes, rows.line.tolist(), rows.has_own_id.tolist(), strict=True
        ):
            places = self._places.setdefault(own.tobytes(), [])
            places.append((line - chunk.first_row, is_own))

    def last(self, hashes: npt.NDArray[np.uint64]) -> tuple[int, bool]:
        """Line of the last row of this id and content that was not asked for before (of several
        in a chunk the last are the repeats), and whether the source gave the id."""
        return self._places[hashes.tobytes()].pop()


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
    """All golden fields of each row, one after another."""
    names = [name for name in rows.schema.names if name != "row_id"]
    return [" ".join(row[name] for name in names) for row in rows.select(names).to_pylist()]


def _rows_kept(split: list[Slice], kept: npt.NDArray[np.bool_]) -> list[Slice]:
    """The slices, cut into runs of the rows that are kept."""
    runs, at = [], 0
    for part in split:
        rows = np.flatnonzero(kept[at : at + part.rows]) + part.start
        at += part.rows
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if len(run):
                runs.append(replace(part, start=int(run[0]), rows=len(run)))
    return runs
