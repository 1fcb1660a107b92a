"""Read the lines of chunks from their file a second time, in another process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
        with _open(source) as read_into:
            for first, last in pairwise([0, *gaps, len(sizes)]):
                start, end = offsets[first], ends[last - 1]
                buffer = np.empty(end - start, np.uint8)
                read = read_into(start, buffer.data)
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


@contextmanager
def _open(source: Source) -> Iterator[Callable[[int, memoryview], int]]:
    """Reads the bytes at a place into a buffer, as many as there are.

    Where this machine has no copy of a file at an address, they are read from there.
    """
    if source.address is not None and not source.files[0].is_file():
        yield lambda start, buffer: _read_address(str(source.address), start, buffer)
        return
    with source.files[0].open("rb", buffering=0) as file:

        def read_into(start: int, buffer: memoryview) -> int:
            file.seek(start)
            read = 0
            while read < len(buffer) and (more := file.readinto(buffer[read:])):
                read += more
            return read

        yield read_into


def _read_address(address: str, start: int, buffer: memoryview) -> int:
    from sftdata.reading.sources.addresses import read_range  # the libraries for it load slowly

    try:
        content = read_range(address, start, start + len(buffer))
    except Exception as error:  # each store has its own library, with its own errors
        raise OSError(f"{type(error).__name__}: {error}") from error
    buffer[: len(content)] = content
    return len(content)
