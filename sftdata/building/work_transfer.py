"""Send work to another process: places in a file instead of rows, where it can read that file.

Rows that stand in a plain file as they are read are read again by the other process, which compares
them with the digests of their chunks. Other rows are sent.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.building.jobs import describe_rows
from sftdata.examples.maker import BlockRequest
from sftdata.reading.chunks import Chunk
from sftdata.reading.ranges import read_ranges
from sftdata.reading.sources.resolve import Source


@dataclass(frozen=True, slots=True)
class EncodedWork:
    """Work of one source. Each list has an item for each chunk."""

    description: str  # of its rows, for messages
    source: int
    columns: tuple[str, ...] | None
    first_rows: list[int]
    rows: list[int]
    sizes: list[int]
    digests: list[bytes]
    templates: list[tuple[int, ...]]
    offsets: list[int] | None  # of its lines in the file; None: `data` holds the rows
    data: pickle.PickleBuffer | bytes | None  # lines, or record batches as an Arrow stream
    lines: npt.NDArray[np.int64] | None  # of all rows of a table, see `Chunk.lines`

    def decode(self, sources: Sequence[Source]) -> list[BlockRequest]:
        """The work. Raises `GoldenSetError` if the rows in a file are no longer the same."""
        ends = list(accumulate(self.rows))
        return [
            BlockRequest(
                Chunk(
                    self.source,
                    self.first_rows[at],
                    self.rows[at],
                    self.sizes[at],
                    self.digests[at],
                    data,
                    None if self.lines is None else self.lines[ends[at] - self.rows[at] : ends[at]],
                    self.columns,
                ),
                self.templates[at],
            )
            for at, data in enumerate(self._data(sources))
        ]

    def _data(self, sources: Sequence[Source]) -> Iterator[memoryview | pa.RecordBatch]:
        if self.offsets is not None:
            source = sources[self.source]
            yield from read_ranges(source, self.offsets, self.sizes, self.digests)
        elif self.lines is not None:
            yield from pa.ipc.open_stream(pa.py_buffer(self.data))
        else:
            view = memoryview(self.data or b"")
            for size, end in zip(self.sizes, accumulate(self.sizes), strict=True):
                yield view[end - size : end]


def encode_work(work: Sequence[BlockRequest], *, with_rows: bool = False) -> EncodedWork:
    """The work, without the rows that the other process can read itself.

    `with_rows`: it cannot read any.
    """
    chunks = [item.chunk for item in work]
    offsets = [chunk.offset for chunk in chunks if chunk.offset is not None]
    lines = [chunk.lines for chunk in chunks if chunk.lines is not None]
    has_offsets = len(offsets) == len(chunks) and not with_rows
    return EncodedWork(
        description=describe_rows(work),
        source=chunks[0].source,
        columns=chunks[0].columns,
        first_rows=[chunk.first_row for chunk in chunks],
        rows=[chunk.rows for chunk in chunks],
        sizes=[chunk.size for chunk in chunks],
        digests=[chunk.digest for chunk in chunks],
        templates=[item.templates for item in work],
        offsets=offsets if has_offsets else None,
        data=None if has_offsets else pickle.PickleBuffer(_joined(chunks)),
        lines=np.concatenate(lines) if lines else None,
    )


def _joined(chunks: Sequence[Chunk]) -> pa.Buffer | bytes:
    """The rows of all chunks. A slice of a batch would be pickled with the whole batch."""
    first = chunks[0].data
    if isinstance(first, memoryview):
        return b"".join(chunk.data for chunk in chunks)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, first.schema) as stream:
        for chunk in chunks:
            stream.write_batch(chunk.data)
    return sink.getvalue()
