"""The journal of a build: which chunk's examples stand where in its shards.

It lies beside the shards. A build that was killed is resumed from it, and a rebuild copies from it
what has not changed: both are the same look-up of chunks by key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import xxhash

from sftdata.examples import ChunkExamples, LedgerLine
from sftdata.shards import Written, read_batches

FILE = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows `start` to `start + rows - 1` of a record batch."""

    batch: pa.RecordBatch
    start: int
    rows: int


class JournalWriter:
    """Appends to the journal in `folder`: chunks as they are handed to the shard writers, and how
    far each shard is written. Each line starts with its digest."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("wb")

    def add_chunk(self, key: str, chunk: ChunkExamples) -> None:
        """Notes that the examples of a chunk come next in every split."""
        ledger = [[e.row_id, e.line, e.status, e.reason, e.detail] for e in chunk.ledger]
        self._write(
            {
                "chunk": key,
                "rows_in": chunk.rows_in,
                "rows": chunk.rows,
                "whole_text_differs": chunk.whole_text_differs,
                "ledger": ledger,
            }
        )

    def skip_rows(self, rows: Sequence[int]) -> None:
        """Notes that rows of no reusable chunk come next, so many in each split."""
        self._write({"chunk": None, "rows": rows})

    def note_written(self, split: str, written: Written) -> None:
        """Notes how far a shard of the split is written."""
        entry = [written.file, written.rows, written.size, written.sha256]
        self._write({"split": split, "written": entry})
        self._file.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._file.close()

    def _write(self, entry: dict[str, Any]) -> None:
        line = orjson.dumps(entry)
        self._file.write(xxhash.xxh3_64_hexdigest(line).encode() + b" " + line + b"\n")


class FinishedChunks:
    """The chunks that one build folder has finished, by key, with their examples.

    A shard whose bytes do not have the digest the journal gives is not used at all.
    """

    def __init__(self, folder: Path, splits: Sequence[str]) -> None:
        self._batches: list[list[pa.RecordBatch]] = [[] for _ in splits]
        self._chunks: dict[str, tuple[ChunkExamples, tuple[int, ...]]] = {}
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
                self._batches[i] += read_batches(folder / state.file, state.rows)
        self._ends = [np.cumsum([b.num_rows for b in batches]) for batches in self._batches]
        self._index(entries, len(splits))

    def _index(self, entries: list[dict[str, Any]], splits: int) -> None:
        position = [0] * splits
        available = [int(ends[-1]) if len(ends) else 0 for ends in self._ends]
        for entry in entries:
            if "chunk" not in entry or len(entry["rows"]) != splits:
                continue
            starts = tuple(position)
            position = [at + rows for at, rows in zip(position, entry["rows"], strict=True)]
            complete = all(
                end <= there
                for end, there, rows in zip(position, available, entry["rows"], strict=True)
                if rows
            )
            if entry["chunk"] is not None and complete:
                self._chunks[entry["chunk"]] = (_chunk(entry), starts)

    def __len__(self) -> int:
        return len(self._chunks)

    def find(self, key: str) -> tuple[ChunkExamples, list[list[Slice]]] | None:
        """What became of the chunk and, for each split, where its examples are; None if unknown."""
        found = self._chunks.get(key)
        if found is None:
            return None
        chunk, starts = found
        return chunk, [
            list(self._slices(split, start, rows))
            for split, (start, rows) in enumerate(zip(starts, chunk.rows, strict=True))
        ]

    def _slices(self, split: int, start: int, rows: int) -> Iterator[Slice]:
        ends, batches = self._ends[split], self._batches[split]
        while rows:
            index = int(np.searchsorted(ends, start, side="right"))
            first = int(ends[index]) - batches[index].num_rows
            taken = min(rows, int(ends[index]) - start)
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
    digest = hashlib.sha256()
    left = written.size
    with path.open("rb") as file:
        while left and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest() == written.sha256


def _chunk(entry: dict[str, Any]) -> ChunkExamples:
    return ChunkExamples(
        rows_in=entry["rows_in"],
        rows=tuple(entry["rows"]),
        whole_text_differs=tuple(entry["whole_text_differs"]),
        ledger=tuple(LedgerLine(*line) for line in entry["ledger"]),
    )
