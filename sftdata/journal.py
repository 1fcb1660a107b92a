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
import numpy.typing as npt
import orjson
import pyarrow as pa
import xxhash

from sftdata.blocks import Blocks, LedgerLine, Run, Slice
from sftdata.columns import to_numbers
from sftdata.shards import Written, label_column, read_batches

FILE = "journal.jsonl"
KEY_BYTES = 16  # of the digest that is a block's key


class JournalWriter:
    """Appends to the journal in `folder`: blocks as they are handed to the shard writers, and how
    far each shard is written. Each line starts with its digest."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("wb")

    def add(self, keys: Sequence[bytes], trimmed: Sequence[int], blocks: Blocks) -> None:
        """Notes that the examples of `blocks` come next in every split.

        Those at `trimmed` are not what their keys promise, so they cannot be used again.
        """
        entry = {
            "keys": base64.b64encode(b"".join(keys)).decode(),
            "trimmed": trimmed,
            "rows_in": blocks.rows_in.tolist(),
            "rows": blocks.rows.tolist(),
            "whole_text_differs": blocks.whole_text_differs,
            "ledger": [
                [at, e.row_id, e.line, e.status, e.reason, e.detail] for at, e in blocks.ledger
            ],
            "hashes": base64.b64encode(blocks.hashes.astype("<u8").tobytes()).decode(),
        }
        self._write(entry)

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finished block is: in which line of which journal, and in which place there."""

    finished: FinishedBlocks
    line: int
    at: int

    def follows(self, other: Place) -> bool:
        """Whether it is the next block after `other` in the same line."""
        return (self.finished, self.line, self.at) == (other.finished, other.line, other.at + 1)


class FinishedBlocks:
    """The blocks that one build folder has finished, by key, with their examples.

    A shard whose bytes do not have the digest the journal gives is not used at all.
    """

    def __init__(self, folder: Path, splits: Sequence[str], labels: Sequence[str]) -> None:
        self._batches: list[list[pa.RecordBatch]] = [[] for _ in splits]
        self._lines: list[tuple[dict[str, Any], npt.NDArray[np.int64]]] = []  # entry, ends by split
        self._places: dict[bytes, Place] = {}
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
        self._index([entry for entry in entries if "keys" in entry], len(splits))

    def _index(self, entries: Sequence[dict[str, Any]], splits: int) -> None:
        position = np.zeros(splits, np.int64)
        available = np.array([ends[-1] if ends else 0 for ends in self._ends])
        for entry in entries:
            rows = _rows(entry)
            if rows.shape[1] != splits:
                continue
            ends = position + np.cumsum(rows, axis=0)
            position = ends[-1]
            usable = ((ends <= available) | (rows == 0)).all(axis=1)
            usable[entry["trimmed"]] = False
            line, keys = len(self._lines), base64.b64decode(entry["keys"])
            self._lines.append((entry, ends))
            for at in np.flatnonzero(usable).tolist():
                self._places[keys[at * KEY_BYTES : (at + 1) * KEY_BYTES]] = Place(self, line, at)

    def __len__(self) -> int:
        return len(self._places)

    def find(self, key: bytes) -> Place | None:
        """Where the block of this key is; None if it is not known."""
        return self._places.get(key)

    def run(self, place: Place, blocks: int) -> Run:
        """The block at `place` and those after it in its line, so many together."""
        entry, ends = self._lines[place.line]
        first, last = place.at, place.at + blocks
        starts = ends[first] - _rows(entry)[first]
        return Run(
            _blocks(entry).part(first, last),
            [
                list(self._slices(split, start, end - start))
                for split, (start, end) in enumerate(
                    zip(starts.tolist(), ends[last - 1].tolist(), strict=True)
                )
            ],
        )

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


def _rows(entry: dict[str, Any]) -> npt.NDArray[np.int64]:
    """int64[blocks, splits]: the rows that came out of each block."""
    return np.array(entry["rows"], np.int64)


def _blocks(entry: dict[str, Any]) -> Blocks:
    hashes = np.frombuffer(base64.b64decode(entry["hashes"]), "<u8")
    return Blocks(
        rows_in=np.array(entry["rows_in"], np.int64),
        rows=_rows(entry),
        hashes=hashes.reshape(-1, 4).astype(np.uint64),
        ledger=[(at, LedgerLine(*line)) for at, *line in entry["ledger"]],
        whole_text_differs=[(at, row_id) for at, row_id in entry["whole_text_differs"]],
    )


def read_blocks(folder: Path) -> Iterator[Blocks]:
    """Every block of a finished build, in the order its rows have in the shards."""
    return (_blocks(entry) for entry in _read(folder / FILE) if "keys" in entry)


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
