"""Chunks: short runs of source rows with a digest, the unit that is built once and then reused.

Where a chunk ends is decided by the rows alone (content-defined), so a row put in or taken out
changes the chunk around it and no other. A line ends a chunk with a probability that grows with
its length, so chunks have about the same size for long and for short rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from sftdata.base.arrow import text, to_flags, to_numbers
from sftdata.base.hashing import hash_column, hash_rows, hash_texts
from sftdata.base.sizes import DEFAULT_SIZES, MAX_ROW_BYTES, Sizes
from sftdata.reading.files.compression import READ_ERRORS, unreadable
from sftdata.reading.files.containers import open_lines
from sftdata.reading.outline import Outline
from sftdata.reading.ranges import has_lines_as_read
from sftdata.reading.row_limit import too_long
from sftdata.reading.sources.resolve import Source
from sftdata.reading.tables.columns import exact_values
from sftdata.reading.tables.dialects import Quoting
from sftdata.reading.tables.read import read_tables

_TAIL = 24  # bytes at either end of a line that its boundary hash looks at
_BOM = b"\xef\xbb\xbf"
_LINE_END = 0x0A


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `first_row` to `first_row + rows - 1` of a source, unparsed."""

    source: int  # index in the build's sources
    first_row: int  # from 1: its line in a text file, else its number
    rows: int
    size: int  # in bytes: of its lines, or of its values where they are read from a table
    digest: bytes  # over the rows
    data: memoryview | pa.RecordBatch  # a JSONL chunk is a window on the bytes read with it
    lines: npt.NDArray[np.int64] | None = None  # of a table's rows; a JSONL row is a line
    columns: tuple[str, ...] | None = None  # names of all columns of a table, also of unread ones
    # Of its lines in the file; None where they don't stand there as they are.
    offset: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Chunks(Sequence[Chunk]):
    """Chunks that follow each other in a source."""

    source: int  # index in the build's sources
    outline: Outline
    first_rows: npt.NDArray[np.int64]  # [chunks], see `Chunk.first_row`
    data: memoryview | pa.RecordBatch  # of all of them
    lines: npt.NDArray[np.int64] | None = None  # of all rows of a table
    columns: tuple[str, ...] | None = None  # see `Chunk.columns`
    notes: tuple[str, ...] = ()  # for the user, about how the file was read
    bytes_read: int = 0  # of the source's files, when these rows were read
    offset: int | None = None  # see `Chunk.offset`

    def __len__(self) -> int:
        return len(self.outline)

    @overload
    def __getitem__(self, at: int) -> Chunk: ...
    @overload
    def __getitem__(self, at: slice) -> list[Chunk]: ...
    def __getitem__(self, at: int | slice) -> Chunk | list[Chunk]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        first, last = self._bounds[at : at + 2]
        first_row, rows, size = self._numbers[at]
        data = self.data
        return Chunk(
            self.source,
            first_row,
            rows,
            size,
            self.outline.digest(at),
            data[first:last] if isinstance(data, memoryview) else data.slice(first, last - first),
            None if self.lines is None else self.lines[first:last],
            self.columns,
            None if self.offset is None else self.offset + first,
        )

    @cached_property
    def _numbers(self) -> list[tuple[int, int, int]]:
        """First row, rows and size of each chunk."""
        columns = self.first_rows, self.outline.rows, self.outline.sizes
        return list(zip(*(column.tolist() for column in columns), strict=True))

    @cached_property
    def _bounds(self) -> list[int]:
        """Where in `data` each chunk starts, and where the last one ends."""
        outline = self.outline
        parts = outline.sizes if isinstance(self.data, memoryview) else outline.rows
        return [0, *np.cumsum(parts).tolist()]


# Guesses the chunks that follow a chunk. Each guess is compared with the bytes.
Foresee = Callable[[Chunk], Iterator[Outline]]


def read_chunks(
    source: Source,
    index: int,
    foresee: Foresee = lambda chunk: iter(()),
    sizes: Sizes = DEFAULT_SIZES,
    columns: Collection[str] | None = None,
    quoting: Quoting = None,
) -> Iterator[Chunks]:
    """The chunks of a source in order, some megabytes of them at a time, never none.

    Of a table only the columns named in `columns` (None: all) are read and digested. `quoting`: see
    `Spec.quoting`.
    A right guess saves the cutting; a wrong one makes no difference.
    Memory stays within a few pieces, or one line where that is longer.
    Raises `GoldenSetError` for bytes that cannot be decompressed or parsed as rows.
    """
    if source.format == "jsonl":
        return _jsonl_chunks(source, index, foresee, sizes)
    return _table_chunks(source, index, sizes, columns, quoting)


def _jsonl_chunks(source: Source, index: int, foresee: Foresee, sizes: Sizes) -> Iterator[Chunks]:
    (path,) = source.files
    meter = source.meter
    meter.done = 0  # whatever was read before, to look at the first rows
    with open_lines(source.name, path, source.compression, source.layout, meter) as stream:
        window, line = _Window(source, stream, sizes), 1
        has_offsets = has_lines_as_read(source)
        foreseen: Iterator[Outline] = iter(())
        while True:
            outline = next(foreseen, None)
            is_cut = outline is None or not window.starts_with(outline)
            if outline is None or is_cut:
                outline = window.cut(line)
            if not len(outline):
                return
            first_rows = line + np.cumsum(outline.rows) - outline.rows
            offset = window.offset if has_offsets else None
            data = window.take(int(outline.sizes.sum()))
            chunks = Chunks(index, outline, first_rows, data, bytes_read=meter.done, offset=offset)
            yield chunks
            line += int(outline.rows.sum())
            if is_cut:
                foreseen = foresee(chunks[-1])


class _Window:
    """The bytes of a stream of lines that are not in a chunk yet."""

    def __init__(self, source: Source, stream: Any, sizes: Sizes) -> None:
        self._source, self._stream, self._sizes = source, stream, sizes
        self._bytes = np.empty(0, np.uint8)
        self._is_at_end = False
        self.offset = 0  # of the window in the stream
        self._fill(sizes.read_bytes)
        if self._bytes[: len(_BOM)].tobytes() == _BOM:
            self.take(len(_BOM))

    def starts_with(self, outline: Outline) -> bool:
        """Whether the next bytes are the chunks of `outline`."""
        bounds = [0, *np.cumsum(outline.sizes).tolist()]
        self._fill(bounds[-1])
        return _digests(self._bytes, bounds) == outline.digests

    def cut(self, line: int) -> Outline:
        """The next chunks, which begin with this line; none at the end of the stream."""
        size = self._sizes.read_bytes
        while True:
            self._fill(size)
            outline = _cut_lines(self._bytes, self._is_at_end, self._sizes)
            if len(outline) or self._is_at_end:
                self._check_sizes(outline, line)
                return outline
            if len(self._bytes) > MAX_ROW_BYTES + self._sizes.max_chunk_bytes:
                line += int(np.count_nonzero(self._bytes == _LINE_END))
                raise too_long(f"{self._source.name}:{line}")
            size = 2 * len(self._bytes)  # a line may be longer than any piece

    def _check_sizes(self, outline: Outline, line: int) -> None:
        too_large = np.flatnonzero(outline.sizes > MAX_ROW_BYTES)  # of one row alone
        if len(too_large):
            line += int(outline.rows[: too_large[0]].sum())
            raise too_long(f"{self._source.name}:{line}")

    def take(self, size: int) -> memoryview:
        """Removes the next `size` bytes from the window and returns them."""
        taken, self._bytes = self._bytes[:size], self._bytes[size:]
        self.offset += size
        return taken.data

    def _fill(self, size: int) -> None:
        """Reads until `size` bytes are there or the stream ends; adds a missing last newline."""
        if self._is_at_end or size <= len(self._bytes):
            return
        buffer = np.empty(size, np.uint8)
        filled = len(self._bytes)
        buffer[:filled] = self._bytes
        try:
            while filled < size and (read := self._stream.readinto(buffer.data[filled:])):
                filled += read
        except READ_ERRORS as error:
            raise unreadable(self._source.name, self._source.compression, error) from error
        if filled < size:
            self._is_at_end = True
            if filled and buffer[filled - 1] != _LINE_END:
                buffer[filled] = _LINE_END
                filled += 1
        self._bytes = buffer[:filled]


def _cut_lines(data: npt.NDArray[np.uint8], is_at_end: bool, sizes: Sizes) -> Outline:
    """The chunks of the lines in `data`.

    The end of a read must not end a chunk. So the last lines, which may continue in the next read,
    are left out unless they end a chunk by themselves or the source ends.
    """
    bounds = np.concatenate(([0], np.flatnonzero(data == _LINE_END) + 1))
    starts, ends = bounds[:-1], bounds[1:]
    is_end = _ends_chunk(_line_hashes(data, starts, ends), ends - starts, sizes.chunk_bytes)
    lines = _bounds(is_end, ends - starts, sizes.max_chunk_bytes)
    if len(ends) and not (is_end[-1] or is_at_end):
        lines.pop()
    at = bounds[lines]
    is_closed = bool(lines[-1] and is_end[lines[-1] - 1])
    return Outline(np.diff(lines), np.diff(at), _digests(data, at.tolist()), is_closed)


def _digests(data: npt.NDArray[np.uint8], bounds: Sequence[int]) -> bytes:
    """The digest of each stretch between two bounds, joined."""
    window = data.data
    return b"".join(
        [xxhash.xxh3_128_digest(window[first:last]) for first, last in pairwise(bounds)]
    )


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


def _ends_chunk(
    hashes: npt.NDArray[np.uint64], sizes: npt.NDArray[np.int64], average: int
) -> npt.NDArray[np.bool_]:
    """bool[rows]: whether a chunk ends after the row, decided by the row alone."""
    return hashes.astype(np.float64) < np.minimum(sizes / average, 1.0) * 2.0**64


def _bounds(is_end: npt.NDArray[np.bool_], sizes: npt.NDArray[np.int64], largest: int) -> list[int]:
    """The first row of each chunk, and how many rows there are."""
    total = np.concatenate(([0], np.cumsum(sizes)))
    bounds = [0]
    for bound in (*(np.flatnonzero(is_end) + 1).tolist(), len(sizes)):
        while total[bound] - total[bounds[-1]] > largest and bound - bounds[-1] > 1:
            limit = total[bounds[-1]] + largest
            cut = int(np.searchsorted(total, limit, side="right")) - 1
            cut = min(max(cut, bounds[-1] + 1), bound)
            if cut == bound:
                break
            bounds.append(cut)
        if bound > bounds[-1]:
            bounds.append(bound)
    return bounds


def _table_chunks(
    source: Source, index: int, sizes: Sizes, wanted: Collection[str] | None, quoting: Quoting
) -> Iterator[Chunks]:
    source.meter.done = 0
    for table in read_tables(source, wanted, quoting):
        hashes, row_sizes = _digest_rows(table.batch)
        # Names and types of what is read: two sets of columns may hold the same values.
        names = repr([(field.name, str(field.type)) for field in table.batch.schema]).encode()
        bounds = _bounds(
            _ends_chunk(hashes[:, 0], row_sizes, sizes.chunk_bytes),
            row_sizes,
            sizes.max_chunk_bytes,
        )
        digests = [
            xxhash.xxh3_128_digest(names + hashes[first:last].tobytes())
            for first, last in pairwise(bounds)
        ]
        outline = Outline(
            rows=np.diff(bounds),
            sizes=np.add.reduceat(row_sizes, bounds[:-1]),
            digests=b"".join(digests),
            is_closed=False,  # the rows of a table are cut again in each build
        )
        first_rows = table.lines[bounds[:-1]]
        yield Chunks(
            index,
            outline,
            first_rows,
            table.batch,
            table.lines,
            table.columns,
            table.notes,
            source.meter.done,
        )


def _digest_rows(batch: pa.RecordBatch) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """uint64[rows, 2] and int64[rows]: a digest of each row and its size in bytes."""
    if not batch.num_columns:
        return np.zeros((batch.num_rows, 2), np.uint64), np.zeros(batch.num_rows, np.int64)
    columns = [_digest_values(column) for column in batch.columns]
    sizes: npt.NDArray[np.int64] = np.sum([size for _, size in columns], axis=0)
    return hash_rows(np.concatenate([hashes for hashes, _ in columns], axis=1)), sizes


def _digest_values(column: pa.Array) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """uint64[rows, 2] and int64[rows]: a digest of each value and its size in bytes."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        values = [value.encode("utf-8", "surrogatepass") for value in exact_values(column)]
        return hash_texts(values), np.array([len(value) for value in values], np.int64)
    column = column.cast(pa.large_string())
    hashes = hash_column(pc.fill_null(column, text("")))
    hashes[to_flags(column.is_null())] = 0
    return hashes, to_numbers(pc.fill_null(pc.binary_length(column), 0))
