"""Kept rows: where the row stands that a dropped row repeats, for the ledger.

The journal has the hashes and the line of every example, so no source is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers
from sftdata.base.hashing import hash_texts
from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason
from sftdata.examples.blocks import CONTENT_HASH, ID_HASH
from sftdata.writing.journal import BlocksLine
from sftdata.writing.shards import Shard, open_batches

REPEATS = frozenset({Reason.REPEATED_ID, Reason.DUPLICATE, Reason.NEAR_DUPLICATE})


@dataclass(frozen=True, slots=True)
class Repeat:
    """A row that was dropped because it repeats another, which has this hash."""

    line: int  # index of its line in the ledger
    by_id: bool  # whether it repeats the id or the content
    hash: bytes  # 128 bits

    @classmethod
    def of(
        cls, number: int, line: LedgerLine, hashes: npt.NDArray[np.uint64], near: str | None
    ) -> Repeat:
        """`hashes`: of the row itself, id and content. `near`: the id of the row it is near to."""
        if near is not None:
            return cls(number, True, hash_texts([near.encode()])[0].tobytes())
        by_id = line.reason == Reason.REPEATED_ID
        return cls(number, by_id, hashes[ID_HASH if by_id else CONTENT_HASH].tobytes())


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row of the dataset."""

    source: str  # file:line
    split: int
    row: int  # in the split


def find_kept_rows(
    repeats: Sequence[Repeat], blocks: Iterable[BlocksLine], sources: Sequence[str]
) -> dict[tuple[bool, bytes], KeptRow]:
    """The kept row of each repeat, by the repeated id or content. `sources`: their names."""
    found: dict[tuple[bool, bytes], KeptRow] = {}
    wanted = {(repeat.by_id, repeat.hash) for repeat in repeats}
    firsts = {
        by_id: np.unique(np.array([_first_half(h) for own, h in wanted if own == by_id], np.uint64))
        for by_id in (True, False)
    }
    before = np.int64(0)  # rows of each split in the blocks before
    for line in blocks:
        rows, hashes = line.rows, line.hashes
        for by_id, columns in ((True, ID_HASH), (False, CONTENT_HASH)):
            own = np.ascontiguousarray(hashes[:, columns])
            for at in np.flatnonzero(_is_in(firsts[by_id], own[:, 0])).tolist():
                key = by_id, own[at].tobytes()
                if key in wanted:
                    found.setdefault(key, _locate(line, rows, before, at, sources))
        before = before + rows.sum(axis=0)
    return found


def name_kept_rows(
    lines: list[LedgerLine],
    repeats: Sequence[Repeat],
    kept: Mapping[tuple[bool, bytes], KeptRow],
    ids: Mapping[tuple[int, int], str],
) -> list[tuple[str, str]]:
    """Says in the ledger line of each repeat where the kept row stands.

    `ids`: of kept rows, by split and row. A repeated id whose first row was dropped, too, is named
    with that row. Returns both places of each repeated id.
    """
    clashes = []
    places: dict[str, str] = {}
    for repeat in repeats:
        line = lines[repeat.line]
        row = kept.get((repeat.by_id, repeat.hash))
        place = row.source if row is not None else places.get(line.row_id)
        if line.reason == Reason.REPEATED_ID and place is not None:
            detail = f"the id '{line.row_id}' stands at {place} and at {line.source}"
            lines[repeat.line] = replace(line, detail=f"{detail}, with other fields")
            clashes.append((place, line.source))
        elif row is not None:
            near = "nearly " if line.reason == Reason.NEAR_DUPLICATE else ""
            own = ids.get((row.split, row.row))
            named = f" (row '{own}')" if own is not None else ""
            detail = f"says {near}the same as {row.source}{named}"
            lines[repeat.line] = replace(line, detail=detail)
        places.setdefault(line.row_id, line.source)
    return clashes


def read_ids(
    rows: Iterable[KeptRow], folder: Path, shards: Sequence[Sequence[Shard]]
) -> dict[tuple[int, int], str]:
    """The ids of rows, by split and row. `shards`: those in `folder`, by split."""
    wanted: dict[int, set[int]] = {}
    for row in rows:
        wanted.setdefault(row.split, set()).add(row.row)
    found: dict[tuple[int, int], str] = {}
    for split, numbers_ in wanted.items():
        batches = [batch for shard in shards[split] for batch in open_batches(folder / shard.file)]
        column = pa.chunked_array([batch.column("row_id") for batch in batches], pa.string())
        own = sorted(numbers_)
        ids = column.take(numbers(np.array(own, np.int64))).to_pylist()
        found |= {(split, row): row_id for row, row_id in zip(own, ids, strict=True)}
    return found


def _locate(
    line: BlocksLine,
    rows: npt.NDArray[np.int64],
    before: npt.NDArray[np.int64] | np.int64,
    at: int,
    sources: Sequence[str],
) -> KeptRow:
    """Where the example `at` of a journal line is; a line's examples go by block, then by split."""
    ends = np.cumsum(rows.ravel())
    cell = int(np.searchsorted(ends, at, side="right"))
    block, split = divmod(cell, rows.shape[1])
    number = at - int(ends[cell]) + int(rows[block, split])  # in the block and split
    first = np.broadcast_to(before, rows.shape[1:])[split] + rows[:block, split].sum()
    chunk = block // line.templates
    place = int(line.first_rows[chunk]) + int(line.lines[at])
    return KeptRow(f"{sources[line.source]}:{place}", split, int(first) + number)


def _first_half(digest: bytes) -> int:
    return int(np.frombuffer(digest, np.uint64)[0])


def _is_in(wanted: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Whether each value is one of the sorted `wanted`."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    found: npt.NDArray[np.bool_] = wanted[at] == values
    return found
