"""A binary stream of the blocks that an iterator makes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class BlockStream(io.RawIOBase):
    """Reads blocks of bytes one after another; empty ones are passed over."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """True: `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer from one block; 0 at the end."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
