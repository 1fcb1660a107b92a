"""Read the lines of chunks from their file a second time, in another process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import xxhash

from sftdata.errors import GoldenSetError
from sftdata.reading.files.compression import unreadable
from sftdata.reading.sources.resolve import Source

_LINE_END = 0x0A


def has_lines_as_read(source: Source) -> bool:
    """Whether chunks of the source are lines of its file, byte for byte."""
    layout = source.layout
    is_plain = source.format == "jsonl" and source.compression is None
    return is_plain and layout.shape == "lines" and layout.is_utf8


def changed_while_read(source: Source) -> GoldenSetError:
    """The error for a source that is no longer as it was."""
    return GoldenSetError(
        f"{source.name} was changed while it was read.", "Run the build again.", code="E206"
    )


def read_ranges(
    source: Source, offsets: Sequence[int], sizes: Sequence[int], digests: Sequence[bytes]
) -> Iterator[memoryview]:
    """The lines of chunks that start at the offsets. Neighbours share one buffer.

    Raises `GoldenSetError` if the file cannot be read, or if a digest is not that of the lines.
    """
    ends = [offset + size for offset, size in zip(offsets, sizes, strict=True)]
    gaps = [at for at in range(1, len(sizes)) if offsets[at] != ends[at - 1]]
    try:
        with source.files[0].open("rb", buffering=0) as file:
            for first, last in pairwise([0, *gaps, len(sizes)]):
                start, end = offsets[first], ends[last - 1]
                buffer = np.empty(end - start, np.uint8)
                file.seek(start)
                read = 0
                while read < len(buffer) and (more := file.readinto(buffer.data[read:])):
                    read += more
                if read == len(buffer) - 1:  # the file's last line has no end
                    buffer[read] = _LINE_END
                    read += 1
                if read < len(buffer):
                    raise changed_while_read(source)
                for at in range(first, last):
                    lines = buffer.data[offsets[at] - start : ends[at] - start]
                    if xxhash.xxh3_128_digest(lines) != digests[at]:
                        raise changed_while_read(source)
                    yield lines
    except OSError as error:
        raise unreadable(source.name, None, error) from error
