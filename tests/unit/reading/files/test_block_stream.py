"""A stream of blocks gives their bytes, whatever the sizes of blocks and reads."""

from __future__ import annotations

import io

import pytest

from sftdata.reading.files.block_stream import BlockStream

BLOCKS = [b"ab\n", b"", b"cdef\n"]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_stream_gives_the_bytes_in_any_pieces(size: int) -> None:
    stream, buffer, read = BlockStream(iter(BLOCKS)), bytearray(size), b""
    while count := stream.readinto(buffer):
        read += buffer[:count]
    assert read == b"ab\ncdef\n"


def test_a_buffered_reader_reads_it() -> None:
    assert io.BufferedReader(BlockStream(iter(BLOCKS))).read() == b"ab\ncdef\n"
