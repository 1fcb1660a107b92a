"""The limit of a row's size: a line without end must not fill the memory."""

from __future__ import annotations

import io
from typing import Any

from sftdata.base.sizes import MAX_ROW_BYTES
from sftdata.errors import GoldenSetError

_MIB = 1024 * 1024
_BUFFER_BYTES = 128 * 1024


def too_long(place: str) -> GoldenSetError:
    """The error for a row at `place` that is longer than `MAX_ROW_BYTES`."""
    return GoldenSetError(
        f"{place}: a row is longer than {MAX_ROW_BYTES // _MIB} MiB, the most that a row can have.",
        "Check that its lines end and its quotation marks are closed, or split the row: no model "
        "reads so much at once.",
    )


def with_limit(name: str, stream: Any) -> io.BufferedReader:
    """The same binary stream; reading raises `GoldenSetError` in a line that is too long."""
    return io.BufferedReader(_LimitedLines(name, stream), _BUFFER_BYTES)


class _LimitedLines(io.RawIOBase):
    def __init__(self, name: str, stream: Any) -> None:
        self._name, self._stream = name, stream
        self._lines = self._open = 0  # line ends so far, and bytes after the last one

    def readable(self) -> bool:
        """True: `io.BufferedReader` asks."""
        return True

    def close(self) -> None:
        """Closes the stream behind it, too."""
        self._stream.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer; 0 at the end."""
        size: int = self._stream.readinto(buffer)
        block = bytes(buffer[:size])
        last = max(block.rfind(b"\n"), block.rfind(b"\r"))
        self._open = self._open + size if last < 0 else size - last - 1
        if self._open > MAX_ROW_BYTES:
            raise too_long(f"{self._name}: line {self._lines + 1}")
        self._lines += block.count(b"\n")
        return size
