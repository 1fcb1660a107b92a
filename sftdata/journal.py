"""The journal of a build: which block's examples stand where in its shards.

It lies beside the shards. A build that was killed is resumed from it, and a rebuild copies from it
what has not changed: both are the same look-up of blocks by key.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import xxhash

from sftdata.columns import to_numbers
from sftdata.examples import BlockExamples, LedgerLine
from sftdata.shards import Written, label_column, read_batches

FILE = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows `start` to `start + rows - 1` of a record batch."""

    batch: pa.RecordBatch
    start: int
    rows: int


class JournalWriter:
    """Appends to the journal in `folder`: blocks as they are handed to the shard writers, and how
    far each shard is written. Each line starts with its digest."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("wb")

    def add_block(self, key: str | None, block: BlockExamples) -> None:
        """Notes that the examples of a block come next in every split.

        Without a key they are of no block that can be used again.
        """
        ledger = [[e.row_id, e.line, e.status, e.reason, e.detail] for e in block.ledger]
        self._write(
            {
                "block": key,
                "rows_in": block.rows_in,
                "rows": block.rows,
                "whole_text_differs": block.whole_text_differs,
                "ledger": ledger,
                "hashes": base64.b64encode(block.hashes.astype("<u8").tobytes()).decode(),
            }
        )

    def note_written(self, split: str, written: Written) -> None:
        """Notes how far a shard of the split is written."""
        entry = [written.file, written.rows, written.size, written.xxh3]
        self._write({"split": split, "written": entry})
        self._file.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._file.close()

    def _write(self, entry: dict[str, Any]) -> None:
        line = orjson.dumps(entry)
        self._file.write(xxhash.xxh3_64_hexdigest(line).encode() + b" " + line + b"\n")


Finished = tuple[BlockExamples, list[list[Slice]]]  # a block, and by split where its rows are


class FinishedBlocks:
    """The blocks that one build folder has finished, by key, with their examples.

    A shard whose bytes do not have the digest the journal gives is not used at all.
    """

    def __init__(self, folder: Path, splits: Sequence[str], labels: Sequence[str]) -> None:
        self._batches: list[list[pa.RecordBatch]] = [[] for _ in splits]
        self._blocks: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {}
        entries = list(_read(folder / FILE))
        written: dict[str, dict[str, Written]] = {split: {} for split in splits}
        for entry in entries:
            if "written" in entry and entry["split"] in written:
                state = Written(*entry["written"])
                written[entry["split"]][state.file] = state
        for i, split in enumerate(splits):
            for _, state in sorted(written[split].items()):
                if not _is_intact(folder / state.file, state):
                    break
                batches = read_batches(folder / state.file, state.rows)
                self._batches[i] += [_relabelled(batch, labels) for batch in batches]
        self._ends = [
            list(accumulate(batch.num_rows for batch in batches)) for batches in self._batches
        ]
        self._index(entries, len(splits))

    def _index(self, entries: list[dict[str, Any]], splits: int) -> None:
        position = [0] * splits
        available = [ends[-1] if ends else 0 for ends in self._ends]
        for entry in entries:
            if "block" not in entry or len(entry["rows"]) != splits:
                continue
            starts = tuple(position)
            position = [at + rows for at, rows in zip(position, entry["rows"], strict=True)]
            complete = all(
                end <= there
                for end, there, rows in zip(position, available, entry["rows"], strict=True)
                if rows
            )
            if entry["block"] is not None and complete:
                self._blocks[entry["block"]] = (entry, starts)

    def __len__(self) -> int:
        return len(self._blocks)

    def find(self, key: str) -> Finished | None:
        """What became of the block and, for each split, where its examples are; None if unknown."""
        found = self._blocks.get(key)
        if found is None:
            return None
        entry, starts = found
        block = _block(entry)
        return block, [
            list(self._slices(split, start, rows))
            for split, (start, rows) in enumerate(zip(starts, block.rows, strict=True))
        ]

    def _slices(self, split: int, start: int, rows: int) -> Iterator[Slice]:
        ends, batches = self._ends[split], self._batches[split]
        while rows:
            index = bisect_right(ends, start)
            first = ends[index] - batches[index].num_rows
            taken = min(rows, ends[index] - start)
            yield Slice(batches[index], start - first, taken)
            start, rows = start + taken, rows - taken


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for text in file:
            digest, _, line = text.rstrip(b"\n").partition(b" ")
            if digest != xxhash.xxh3_64_hexdigest(line).encode():  # torn by a kill, or damaged
                return
            yield orjson.loads(line)


def _is_intact(path: Path, written: Written) -> bool:
    if not path.is_file() or path.stat().st_size < written.size:
        return False
    digest = xxhash.xxh3_128()
    left = written.size
    with path.open("rb") as file:
        while left and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest() == written.xxh3


def _block(entry: dict[str, Any]) -> BlockExamples:
    hashes = np.frombuffer(base64.b64decode(entry["hashes"]), "<u8")
    return BlockExamples(
        rows_in=entry["rows_in"],
        rows=tuple(entry["rows"]),
        whole_text_differs=tuple(entry["whole_text_differs"]),
        ledger=tuple(LedgerLine(*line) for line in entry["ledger"]),
        hashes=hashes.reshape(-1, 4).astype(np.uint64),
    )


def read_blocks(folder: Path) -> Iterator[BlockExamples]:
    """Every block of a finished build, in the order its rows have in the shards."""
    return (_block(entry) for entry in _read(folder / FILE) if "block" in entry)


def _relabelled(batch: pa.RecordBatch, labels: Sequence[str]) -> pa.RecordBatch:
    """The batch with today's template labels.

    A release that changes no token changes the version in the label and nothing else, so rows keep
    the template and take its new label. Rows of templates that are gone are looked up by nobody.
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
