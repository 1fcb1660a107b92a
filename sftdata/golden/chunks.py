"""Chunks: short runs of source rows with a digest, the unit that is built once and then reused.

Where a chunk ends is decided by the rows alone (content-defined), so a row put in or taken out
changes the chunk around it and no other. A line ends a chunk with a probability that grows with
its length, so chunks have about the same size for long and for short rows.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from sftdata.columns import text, to_flags, to_numbers
from sftdata.errors import GoldenSetError
from sftdata.golden.sources import Source
from sftdata.golden.tables import open_source, read_tables
from sftdata.split import hash_column, hash_rows, hash_texts

CHUNK_BYTES = 16 * 1024  # on average
_MAX_CHUNK_BYTES = 1024 * 1024  # where the rows give no boundary, as when all are alike
_PIECE_BYTES = 4 * 1024 * 1024
_TAIL = 24  # bytes at either end of a line that its boundary hash looks at
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `first_row` to `first_row + rows - 1` of a source, unparsed."""

    source: int  # index in the build's sources
    first_row: int  # from 1: its line in a text file, else its number
    rows: int
    size: int  # in bytes: of its lines, or of its values where they are read from a table
    digest: bytes  # 16 bytes over the rows
    data: memoryview | pa.RecordBatch  # a JSONL chunk is a window on the bytes read with it
    lines: npt.NDArray[np.int64] | None = None  # of a table's rows; a JSONL row is a line


def read_chunks(source: Source, index: int) -> Iterator[list[Chunk]]:
    """The chunks of a source in order, some megabytes of them at a time.

    Memory stays within a few pieces, or one line where that is longer.
    Raises `GoldenSetError` for bytes that cannot be decompressed or parsed as rows.
    """
    if source.format == "jsonl":
        return _jsonl_chunks(source, index)
    return _table_chunks(source, index)


def _jsonl_chunks(source: Source, index: int) -> Iterator[list[Chunk]]:
    line, rest, is_first = 1, np.empty(0, np.uint8), True
    for path in source.files:
        with open_source(path, source.compression) as stream:
            while len(data := _read_after(rest, stream, source)) > len(rest):
                if is_first and data[: len(_BOM)].tobytes() == _BOM:
                    data = data[len(_BOM) :]
                is_first = False
                ends = np.flatnonzero(data == 0x0A) + 1
                if not len(ends):
                    rest = data
                    continue
                *chunks, open_chunk = _cut_lines(data, ends, index, line)
                # The last run may go on in the next block: where a block ends must not end a chunk.
                rest = data[ends[-1] - open_chunk.size :]
                if chunks:
                    yield chunks
                    line = open_chunk.first_row
    if len(rest):
        data = rest if rest[-1] == 0x0A else np.append(rest, np.uint8(0x0A))
        yield list(_cut_lines(data, np.flatnonzero(data == 0x0A) + 1, index, line))


def _read_after(rest: npt.NDArray[np.uint8], stream: Any, source: Source) -> npt.NDArray[np.uint8]:
    """`rest` and some megabytes of the stream after it, in one buffer; no more than `rest` at the
    stream's end."""
    # As much again, for a line that is longer than a piece must not be copied once a piece.
    buffer = np.empty(len(rest) + max(_PIECE_BYTES, len(rest)), np.uint8)
    buffer[: len(rest)] = rest
    filled = len(rest)
    try:
        while filled < len(buffer) and (read := stream.readinto(buffer.data[filled:])):
            filled += read
    except (OSError, EOFError, zlib.error) as error:
        raise GoldenSetError(
            f"{source.name}: the {source.compression} data is damaged or cut: {error}",
            "Compress or copy the file again.",
        ) from error
    return buffer[:filled]


def _cut_lines(
    data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], index: int, first_row: int
) -> Iterator[Chunk]:
    """The chunks of the lines that have these ends."""
    window = data.data
    starts = np.concatenate(([0], ends[:-1]))
    hashes = _line_hashes(data, starts, ends)
    for first, last in _runs(hashes, ends - starts):
        lines = window[starts[first] : ends[last - 1]]
        digest = xxhash.xxh3_128_digest(lines)
        yield Chunk(index, first_row + first, last - first, len(lines), digest, lines)


def _line_hashes(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """uint64[lines]: a hash of both ends of each line and of its length."""
    steps = np.arange(_TAIL)
    head = np.minimum(starts[:, None] + steps, ends[:, None] - 1)
    tail = np.maximum(ends[:, None] - 1 - steps, starts[:, None])
    sample = np.concatenate((data[head], data[tail]), axis=1).view(np.uint64)
    hashes = (ends - starts).astype(np.uint64)
    for word in sample.T:
        hashes = (hashes ^ word) * np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
    return hashes * np.uint64(0xBF58476D1CE4E5B9)


def _runs(
    hashes: npt.NDArray[np.uint64], sizes: npt.NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """First and last + 1 of each run of rows that forms a chunk."""
    threshold = np.minimum(sizes / CHUNK_BYTES, 1.0) * 2.0**64
    boundaries = np.flatnonzero(hashes.astype(np.float64) < threshold) + 1
    total = np.concatenate(([0], np.cumsum(sizes)))
    first = 0
    for boundary in (*boundaries.tolist(), len(sizes)):
        while total[boundary] - total[first] > _MAX_CHUNK_BYTES and boundary - first > 1:
            cut = int(np.searchsorted(total, total[first] + _MAX_CHUNK_BYTES, side="right")) - 1
            cut = min(max(cut, first + 1), boundary)
            if cut == boundary:
                break
            yield first, cut
            first = cut
        if boundary > first:
            yield first, boundary
            first = boundary


def _table_chunks(source: Source, index: int) -> Iterator[list[Chunk]]:
    for table in read_tables(source):
        columns = [_digest_values(column) for column in table.batch.columns]
        hashes = hash_rows(np.concatenate([hashes for hashes, _ in columns], axis=1))
        sizes = np.sum([size for _, size in columns], axis=0)
        names = repr([(field.name, str(field.type)) for field in table.batch.schema]).encode()
        chunks = []
        for first, last in _runs(hashes[:, 0], sizes):
            digest = xxhash.xxh3_128_digest(names + hashes[first:last].tobytes())
            rows, lines = table.batch.slice(first, last - first), table.lines[first:last]
            size = int(sizes[first:last].sum())
            chunks.append(Chunk(index, int(lines[0]), len(lines), size, digest, rows, lines))
        yield chunks


def _digest_values(column: pa.Array) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """uint64[rows, 2] and int64[rows]: a digest of each value and its size in bytes."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        values = [repr(value).encode() for value in column.to_pylist()]
        return hash_texts(values), np.array([len(value) for value in values], np.int64)
    column = column.cast(pa.large_string())
    hashes = hash_column(pc.fill_null(column, text("")))
    hashes[to_flags(column.is_null())] = 0
    return hashes, to_numbers(pc.fill_null(pc.binary_length(column), 0))
