"""The journal of a build: a file beside the shards that says which block is where in them.

A killed build is resumed from it, and a rebuild finds unchanged blocks in it: see `earlier_build`.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import xxhash

from sftdata.base.json_types import (
    COUNT,
    DIGEST,
    FILE_NAME,
    TEXT,
    list_of,
    object_of,
    or_null,
)
from sftdata.base.ledger_line import BlockLedgerLine
from sftdata.base.reasons import Status
from sftdata.base.schema import RowSizes
from sftdata.examples.blocks import Blocks, DroppedRows
from sftdata.reading.chunks import Chunks
from sftdata.reading.outline import DIGEST_BYTES, Outline
from sftdata.writing.journal_lines import FILE, read_line, read_lines, read_placed_lines
from sftdata.writing.shards import Shard, ShardProgress

KEY_BYTES = 16  # of a block's key, a digest
# What decoding a line raises that no build wrote.
_NOT_OURS = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
_SHARDS = list_of(
    object_of(
        {
            "file": FILE_NAME, "rows": COUNT, "tokens": COUNT, "target_tokens": COUNT,
            "bytes": COUNT, "sha256": DIGEST, "xxh3": TEXT, "batch_rows": list_of(COUNT),
        },
        {"piece_xxh3": or_null(TEXT)},
    )
)  # fmt: skip
_PROGRESS = object_of({"file": FILE_NAME, "rows": COUNT, "size": COUNT, "xxh3": TEXT})


class JournalWriter:
    """Appends to the journal in `folder`: blocks as they are handed to the shard writers, and how
    far each shard is written. Each line starts with its digest."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("wb")
        self._digest = xxhash.xxh3_128()  # of all lines
        self._is_checked: bool | None = None

    def add_blocks(
        self,
        chunks: Chunks,
        keys: bytes,
        blocks: Blocks,
        dropped: Sequence[tuple[int, DroppedRows]],
    ) -> None:
        """Records that the examples of `blocks`, made of `chunks`, come next in every split.

        `keys`: the keys of the blocks, joined. `dropped`: index of a block and the rows
        dropped from it as repeats; it holds fewer rows than its key stands for.
        """
        outline = chunks.outline
        entry = {
            "source": chunks.source,
            "first_rows": chunks.first_rows.tolist(),
            "chunks": {
                "rows": outline.rows.tolist(),
                "sizes": outline.sizes.tolist(),
                "digests": base64.b64encode(outline.digests).decode(),
                "is_closed": outline.is_closed,
            },
            "keys": base64.b64encode(keys).decode(),
            "trimmed": [
                [at, _encoded(was.hashes), was.lines.tolist(), was.reasons.tolist()]
                for at, was in dropped
            ],
            "rows_in": blocks.rows_in.tolist(),
            "rows": blocks.rows.tolist(),
            "whole_text_differs": blocks.whole_text_differs,
            "ledger": [
                [at, e.row_id, e.line, e.status, e.reason, e.detail] for at, e in blocks.ledger
            ],
            "hashes": _encoded(blocks.hashes),
            "lines": _encoded(blocks.lines),
        }
        self._write(entry)

    def note_shards(self, split: str, key: bytes, shards: Sequence[Shard], sizes: RowSizes) -> None:
        """Records finished shards of a split, the key of their content, and their row sizes."""
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
        """Records whether the engine has passed its check so far; None without an engine."""
        if is_checked is not self._is_checked:
            self._write({"engine_is_checked": is_checked})
            self._is_checked = is_checked

    def note_progress(self, split: str, progress: ShardProgress) -> None:
        """Records how far a shard of the split is written."""
        entry = [progress.file, progress.rows, progress.size, progress.xxh3]
        self._write({"split": split, "written": entry})
        self._file.flush()

    def flush(self) -> None:
        """Hands everything to the file, so that it can be read."""
        self._file.flush()

    def finish(self, build: str) -> None:
        """Writes the last line: the build's name and the digest of all lines before it."""
        self._write({"build": build, "xxh3": self._digest.hexdigest()})
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Flushes and closes the file of a build that isn't finished."""
        self._file.close()

    def _write(self, entry: dict[str, Any]) -> None:
        line = orjson.dumps(entry)
        line = xxhash.xxh3_64_hexdigest(line).encode() + b" " + line + b"\n"
        self._digest.update(line)
        self._file.write(line)


@dataclass(frozen=True)
class BlocksLine:
    """A line of blocks that were added together. Properties decode it when they are read.

    What holds many bytes a row is decoded once: the check of a line needs it, too.
    """

    entry: Mapping[str, Any]

    @property
    def keys(self) -> bytes:
        """The keys of the blocks, joined."""
        return base64.b64decode(self.entry["keys"])

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """int64[blocks, splits]: examples of each block."""
        return np.array(self.entry["rows"], np.int64)

    @property
    def dropped(self) -> dict[int, DroppedRows]:
        """Rows dropped from blocks, by index of the block in the line."""
        return {
            at: DroppedRows(
                _decoded(hashes, "<u8").reshape(-1, 4),
                np.array(lines, np.int32),
                np.array(reasons, np.int8),
            )
            for at, hashes, lines, reasons in self.entry["trimmed"]
        }

    @property
    def outline(self) -> Outline:
        """Sizes and digests of the chunks of the blocks."""
        chunks = self.entry["chunks"]
        return Outline(
            np.array(chunks["rows"], np.int64),
            np.array(chunks["sizes"], np.int64),
            base64.b64decode(chunks["digests"]),
            chunks["is_closed"],
        )

    @property
    def templates(self) -> int:
        """Blocks per chunk: one for each template."""
        return len(self.entry["rows"]) // len(self.entry["chunks"]["rows"])

    @property
    def source(self) -> int:
        """The source of the chunks, by its index in the build's sources."""
        return int(self.entry["source"])

    @property
    def first_rows(self) -> npt.NDArray[np.int64]:
        """int64[chunks]: where they start in the source, see `Chunk.first_row`."""
        return np.array(self.entry["first_rows"], np.int64)

    @cached_property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """uint64[examples, 4], see `Blocks`."""
        return _decoded(self.entry["hashes"], "<u8").reshape(-1, 4)

    @cached_property
    def lines(self) -> npt.NDArray[np.int32]:
        """int32[examples], see `Blocks`."""
        return _decoded(self.entry["lines"], "<i4")

    def check(self) -> None:
        """Raises an error of `_NOT_OURS` for a line whose parts do not fit each other."""
        blocks, outline, number = self.blocks, self.outline, len(self.rows)
        fits = (
            _are(int, self.source, *self.entry["first_rows"])
            and blocks.rows.ndim == 2
            and int(blocks.rows.min()) >= 0
            and blocks.rows_in.shape == (number,)
            and len(outline) > 0
            and number % len(outline) == 0  # blocks of each template
            and len(self.keys) == number * KEY_BYTES
            and len(self.first_rows) == len(outline) == len(outline.sizes)
            and len(outline.digests) == len(outline) * DIGEST_BYTES
            and len(blocks.hashes) == len(blocks.lines) == int(blocks.rows.sum())
            and all(
                0 <= at < number and _are(str, line.row_id, line.reason, line.detail)
                for at, line in blocks.ledger
            )
            and _are(int, *(line.line for _, line in blocks.ledger))
            and _are(str, *(row_id for _, row_id in blocks.whole_text_differs))
            and all(
                0 <= at < number and len(was.hashes) == len(was.lines) == len(was.reasons)
                for at, was in self.dropped.items()
            )
        )
        if not fits:
            raise ValueError("the parts of a line do not fit each other")

    @property
    def blocks(self) -> Blocks:
        """The blocks; their examples are in the shards."""
        return Blocks(
            rows_in=np.array(self.entry["rows_in"], np.int64),
            rows=self.rows,
            hashes=self.hashes,
            lines=self.lines,
            ledger=[
                (at, BlockLedgerLine(row_id, line, Status(status), reason, detail))
                for at, row_id, line, status, reason, detail in self.entry["ledger"]
            ],
            whole_text_differs=[(at, row_id) for at, row_id in self.entry["whole_text_differs"]],
        )


@dataclass(frozen=True, slots=True)
class ShardsLine:
    """A line of finished shards of a split."""

    entry: Mapping[str, Any]

    def check(self) -> None:
        """Raises an error of `_NOT_OURS` for a line that cannot be used."""
        for fault in _SHARDS("shards", self.entry["shards"]):
            raise ValueError(fault)
        rows = sum(shard.rows for shard in self.shards)
        if any(len(getattr(self.sizes, column.name)) != rows for column in fields(RowSizes)):
            raise ValueError("the sizes are not those of the rows")

    @property
    def shards(self) -> list[Shard]:
        """The shards, in order."""
        return [Shard(**shard) for shard in self.entry["shards"]]

    @property
    def sizes(self) -> RowSizes:
        """The sizes of their rows."""
        return RowSizes(
            **{
                name: _decoded(values, "<i4" if name.endswith("tokens") else "i1")
                for name, values in self.entry["sizes"].items()
            }
        )


@dataclass
class Journal:
    """The content of a journal, up to the first torn, damaged or foreign line."""

    blocks: list[BlocksLine] = field(default_factory=list)
    shards: dict[tuple[str, bytes], ShardsLine] = field(default_factory=dict)  # by split and key
    # How far each shard is written, by split and file.
    progress: dict[tuple[str, str], ShardProgress] = field(default_factory=dict)
    is_checked: bool = True  # whether the engine that made the blocks passed its check

    def add(self, entry: Mapping[str, Any]) -> None:
        """Adds a line. Raises an error of `_NOT_OURS` for one that no build wrote."""
        if "chunks" in entry:
            if "source" in entry:  # earlier versions wrote less, and blocks of another version
                line = BlocksLine(entry)
                line.check()
                self.blocks.append(line)
        elif "shards" in entry:
            whole = ShardsLine(entry)
            whole.check()
            self.shards[str(entry["split"]), base64.b64decode(entry["key"])] = whole
        elif "written" in entry:
            reached = ShardProgress(*entry["written"])
            for fault in _PROGRESS("written", asdict(reached)):
                raise ValueError(fault)
            self.progress[str(entry["split"]), reached.file] = reached
        elif "engine_is_checked" in entry:
            self.is_checked = entry["engine_is_checked"] is not False


def read_block_lines(folder: Path) -> Iterator[BlocksLine]:
    """The lines of blocks of a build folder, one after another."""
    return (line for _, line in read_placed_blocks(folder))


def read_placed_blocks(folder: Path) -> Iterator[tuple[int, BlocksLine]]:
    """`read_block_lines`, each with its place for `read_blocks_at`."""
    for place, entry in read_placed_lines(folder / FILE):
        journal = Journal()
        try:
            journal.add(entry)
        except _NOT_OURS:
            return
        for line in journal.blocks:
            yield place, line


def read_blocks_at(folder: Path, place: int) -> BlocksLine:
    """The line of blocks at a place. Raises `OSError` if it is no longer there."""
    return BlocksLine(read_line(folder / FILE, place))


def read_journal(folder: Path, *, with_blocks: bool = True) -> Journal:
    """The journal of a build folder; an empty one if there is no file.

    Lines of blocks hold 50 bytes a row; without them it is small, and they are not checked.
    """
    journal = Journal()
    for entry in read_lines(folder / FILE):
        if "chunks" in entry and not with_blocks:
            continue
        try:
            journal.add(entry)
        except _NOT_OURS:  # a digest proves that nothing changed, not who wrote it
            break
    return journal


def _are(type_: type, *values: Any) -> bool:
    return all(type(value) is type_ for value in values)


def _encoded(values: npt.NDArray[Any]) -> str:
    little_endian = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(little_endian.tobytes()).decode()


def _decoded(text: str, dtype: str) -> npt.NDArray[Any]:
    values = np.frombuffer(base64.b64decode(text), dtype)
    return values.astype(values.dtype.newbyteorder("="), copy=False)
