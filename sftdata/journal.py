"""The journal of a build: which block's examples stand where in its shards.

It lies beside the shards. A build that was killed is resumed from it, and a rebuild copies from it
what has not changed: both are the same look-up of blocks by key.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import xxhash

from sftdata.blocks import Blocks, LedgerLine, Run, Slice, Trimmed, cut
from sftdata.columns import to_numbers
from sftdata.golden.chunks import Outline
from sftdata.shards import RowSizes, Shard, Written, is_intact, label_column, read_batches

FILE = "journal.jsonl"
KEY_BYTES = 16  # of the digest that is a block's key


class JournalWriter:
    """Appends to the journal in `folder`: blocks as they are handed to the shard writers, and how
    far each shard is written. Each line starts with its digest."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("wb")
        self._is_checked: bool | None = None

    def add(
        self,
        outline: Outline,
        keys: bytes,
        blocks: Blocks,
        trimmed: Sequence[tuple[int, Trimmed]],
    ) -> None:
        """Notes that the examples of `blocks`, those of these chunks, come next in every split.

        `keys` are theirs, joined. Those at the places of `trimmed` are not all that their keys
        promise.
        """
        entry = {
            "chunks": {
                "rows": outline.rows.tolist(),
                "sizes": outline.sizes.tolist(),
                "digests": base64.b64encode(outline.digests).decode(),
                "is_closed": outline.is_closed,
            },
            "keys": base64.b64encode(keys).decode(),
            "trimmed": [
                [at, _encoded(before.hashes), before.reasons.tolist()] for at, before in trimmed
            ],
            "rows_in": blocks.rows_in.tolist(),
            "rows": blocks.rows.tolist(),
            "whole_text_differs": blocks.whole_text_differs,
            "ledger": [
                [at, e.row_id, e.line, e.status, e.reason, e.detail] for at, e in blocks.ledger
            ],
            "hashes": _encoded(blocks.hashes),
        }
        self._write(entry)

    def note_shards(self, split: str, key: bytes, shards: Sequence[Shard], sizes: RowSizes) -> None:
        """Notes whole shards of a split, the key of all that is in them, and their rows' sizes."""
        columns = {f.name: _encoded(getattr(sizes, f.name)) for f in fields(RowSizes)}
        self._write(
            {
                "split": split,
                "key": base64.b64encode(key).decode(),
                "shards": list(shards),
                "sizes": columns,
            }
        )

    def note_engine(self, *, is_checked: bool | None) -> None:
        """Notes whether the engine of the build has passed its checks by now; None without one."""
        if is_checked is not self._is_checked:
            self._write({"engine_is_checked": is_checked})
            self._is_checked = is_checked

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
    is_trimmed: bool


class FinishedBlocks:
    """What one build folder has finished: blocks, by key, with their examples, and whole shards.

    A shard whose bytes do not have the digest the journal gives is not used at all; those in
    `untouched` are known to have it. Nor is anything used of a killed build whose engine had not
    passed its checks. What `is_committed` is on disk for certain.
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
        self._places: dict[bytes, tuple[int, int]] = {}  # by key: line, and place in it
        self._whole: dict[tuple[str, str], dict[str, Any]] = {}
        blocks = []
        written: dict[str, dict[str, Written]] = {split: {} for split in splits}
        entries = list(_read(folder / FILE))
        if not (is_committed or _is_checked(entries)):
            entries.clear()
        for entry in entries:
            if "chunks" in entry:
                blocks.append(entry)
            elif "written" in entry and entry["split"] in written:
                state = Written(*entry["written"])
                written[entry["split"]][state.file] = state
            elif "shards" in entry:
                self._whole[entry["split"], entry["key"]] = entry
        self._shards = [
            [
                _FinishedShard(folder / file, state, labels, file in untouched)
                for file, state in sorted(written[split].items())
            ]
            for split in splits
        ]
        self._by_file = {shard.path.name: shard for shards in self._shards for shard in shards}
        self._ends = [list(accumulate(shard.rows for shard in own)) for own in self._shards]
        self._index(blocks)

    def _index(self, entries: Sequence[dict[str, Any]]) -> None:
        position = np.zeros(len(self._shards), np.int64)
        available = np.array([ends[-1] if ends else 0 for ends in self._ends])
        for entry in entries:
            rows = _rows(entry)
            if rows.shape[1] != len(self._shards):
                continue
            ends = position + np.cumsum(rows, axis=0)
            position = ends[-1]
            usable = ((ends <= available) | (rows == 0)).all(axis=1)
            trimmed = {at: _trimmed(*before) for at, *before in entry["trimmed"]}
            is_alone = ~usable
            is_alone[list(trimmed)] = True
            joined = base64.b64decode(entry["keys"])
            line = len(self._lines)
            self._lines.append(_Line(entry, joined, ends - rows, ends, trimmed, is_alone))
            keys = [joined[at : at + KEY_BYTES] for at in range(0, len(joined), KEY_BYTES)]
            for at in np.flatnonzero(usable).tolist():
                # Of chunks that stand twice all rows are left out the second time.
                if not (at in trimmed and keys[at] in self._places):
                    self._places[keys[at]] = line, at

    def __len__(self) -> int:
        return len(self._places)

    def find(self, key: bytes) -> Place | None:
        """Where the block of this key is; None if it is not known, or a shard of it is damaged."""
        found = self._places.get(key)
        if found is None or not self._is_readable(self._lines[found[0]]):
            return None
        return Place(self, *found, found[1] in self._lines[found[0]].trimmed)

    def together(self, place: Place, keys: bytes) -> int:
        """How many blocks with these keys are there one after another, from that of the first key
        on, which is at `place`; a block that is not complete is alone."""
        line = self._lines[place.line]
        if place.is_trimmed:
            return 1
        own = np.frombuffer(line.keys, "<u8").reshape(-1, 2)[place.at :]
        wanted = np.frombuffer(keys, "<u8").reshape(-1, 2)[: len(own)]
        own, is_alone = own[: len(wanted)], line.is_alone[place.at :][: len(wanted)]
        ends = np.flatnonzero((own != wanted).any(axis=1) | is_alone)
        return int(ends[0]) if len(ends) else len(wanted)

    def run(self, place: Place, blocks: int) -> Run:
        """The block at `place` and those after it in its line, so many together."""
        line, first, last = self._lines[place.line], place.at, place.at + blocks
        bounds = zip(line.starts[first].tolist(), line.ends[last - 1].tolist(), strict=True)
        return Run(
            _blocks(line.entry).part(first, last),
            [list(self._slices(split, start, end)) for split, (start, end) in enumerate(bounds)],
            line.trimmed.get(first),
        )

    def after(self, place: Place) -> Iterator[Outline]:
        """What came after the chunk of this block in its source, or may have."""
        templates = _templates(self._lines[place.line].entry)
        rest = _outline(self._lines[place.line].entry).after(place.at // templates)
        later = (_outline(line.entry) for line in self._lines[place.line + 1 :])
        for outline in chain([rest], later):
            if not outline.is_closed:  # the source ended here, or its rows are cut anew each time
                return
            if len(outline):
                yield outline

    def shards(self, split: str, key: bytes) -> tuple[list[Shard], RowSizes] | None:
        """The shards that hold what has this key and nothing else, and the sizes of their rows."""
        entry = self._whole.get((split, base64.b64encode(key).decode()))
        if entry is None:
            return None
        shards = [Shard(**shard) for shard in entry["shards"]]
        files = [self._by_file.get(shard.file) for shard in shards]
        if not all(f and f.is_whole(s.bytes) for f, s in zip(files, shards, strict=True)):
            return None
        sizes = {
            name: _decoded(values, "<i4" if name.endswith("tokens") else "i1")
            for name, values in entry["sizes"].items()
        }
        return shards, RowSizes(**sizes)

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
            yield from cut(shard.slices, begin, min(end - first, shard.rows) - begin)

    def _overlapping(
        self, split: int, start: int, end: int
    ) -> Iterator[tuple[_FinishedShard, int]]:
        """The shards that hold any of these rows of the split, and the first row of each."""
        ends = self._ends[split]
        for at in range(bisect_right(ends, start), len(ends)):
            shard = self._shards[split][at]
            if ends[at] - shard.rows >= end:
                return
            yield shard, ends[at] - shard.rows


@dataclass(slots=True)
class _Line:
    """A line of blocks."""

    entry: dict[str, Any]
    keys: bytes  # joined
    starts: npt.NDArray[np.int64]  # [blocks, splits]: where their rows start in each split
    ends: npt.NDArray[np.int64]  # [blocks, splits], and where they end
    trimmed: Mapping[int, Trimmed]  # by place in the line
    is_alone: npt.NDArray[np.bool_]  # [blocks]: those that are trimmed or not all there
    is_readable: bool | None = None  # not looked at yet


class _FinishedShard:
    """A shard of an earlier build, which may not be whole. It is read when it is needed."""

    def __init__(self, path: Path, written: Written, labels: Sequence[str], is_known: bool) -> None:
        self.path, self._written, self._labels, self._is_known = path, written, labels, is_known
        self.rows = written.rows

    @cached_property
    def is_intact(self) -> bool:
        """Whether what was written is there."""
        return self._is_known or is_intact(self.path, self._written.size, self._written.xxh3)

    def is_whole(self, size: int) -> bool:
        """Whether that is all there is, so many bytes."""
        return self.is_intact and self.path.stat().st_size == size

    @cached_property
    def slices(self) -> list[Slice]:
        """Its record batches, mapped, with the labels of today."""
        return [
            Slice(_relabelled(batch, self._labels), 0, batch.num_rows, is_finished=True)
            for batch in read_batches(self.path, self.rows)
        ]


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for text in file:
            digest, _, line = text.rstrip(b"\n").partition(b" ")
            if digest != xxhash.xxh3_64_hexdigest(line).encode():  # torn by a kill, or damaged
                return
            yield orjson.loads(line)


def _is_checked(entries: Sequence[dict[str, Any]]) -> bool:
    """Whether the engine that has made any of this has passed its checks."""
    told = [entry["engine_is_checked"] for entry in entries if "engine_is_checked" in entry]
    return told[-1:] != [False]


def _encoded(values: npt.NDArray[Any]) -> str:
    little_endian = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(little_endian.tobytes()).decode()


def _decoded(text: str, dtype: str) -> npt.NDArray[Any]:
    values = np.frombuffer(base64.b64decode(text), dtype)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _trimmed(hashes: str, reasons: Sequence[int]) -> Trimmed:
    return Trimmed(_decoded(hashes, "<u8").reshape(-1, 4), np.array(reasons, np.int8))


def _rows(entry: dict[str, Any]) -> npt.NDArray[np.int64]:
    """int64[blocks, splits]: the rows that came out of each block."""
    return np.array(entry["rows"], np.int64)


def _outline(entry: dict[str, Any]) -> Outline:
    """What is known of the chunks of a line."""
    chunks = entry["chunks"]
    return Outline(
        np.array(chunks["rows"], np.int64),
        np.array(chunks["sizes"], np.int64),
        base64.b64decode(chunks["digests"]),
        chunks["is_closed"],
    )


def _templates(entry: dict[str, Any]) -> int:
    """How many blocks a chunk of the line has."""
    return len(entry["rows"]) // len(entry["chunks"]["rows"])


def _blocks(entry: dict[str, Any]) -> Blocks:
    return Blocks(
        rows_in=np.array(entry["rows_in"], np.int64),
        rows=_rows(entry),
        hashes=_decoded(entry["hashes"], "<u8").reshape(-1, 4),
        ledger=[(at, LedgerLine(*line)) for at, *line in entry["ledger"]],
        whole_text_differs=[(at, row_id) for at, row_id in entry["whole_text_differs"]],
    )


def read_blocks(folder: Path) -> Iterator[Blocks]:
    """Every block of a finished build, in the order its rows have in the shards."""
    return (_blocks(entry) for entry in _read(folder / FILE) if "chunks" in entry)


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
