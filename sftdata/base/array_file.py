"""Numbers of many rows in a file, read and written a piece at a time."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint64]  # [rows, columns]

_PIECE = 1 << 17  # rows


class ArrayFile:
    """uint64[rows, columns] in a file without a name: a process that is killed leaves none."""

    def __init__(self, folder: Path, columns: int) -> None:
        with tempfile.TemporaryFile(dir=folder) as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self._row = 8 * columns  # bytes
        self._columns, self._rows = columns, 0

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: Rows) -> None:
        """Adds rows at the end."""
        self.write(self._rows, rows)

    def write(self, start: int, rows: Rows) -> None:
        """Writes rows from row `start` on."""
        data = np.ascontiguousarray(rows, np.uint64).reshape(-1).view(np.uint8).data
        at = start * self._row
        while data:
            done = os.pwrite(self._file, data, at)
            data, at = data[done:], at + done
        self._rows = max(self._rows, start + len(rows))

    def read(self, start: int, end: int) -> Rows:
        """The rows from `start` up to `end`."""
        size, at = (min(end, self._rows) - start) * self._row, start * self._row
        data = os.pread(self._file, size, at)
        while len(data) < size:
            data += os.pread(self._file, size - len(data), at + len(data))
        return np.frombuffer(data, np.uint64).reshape(-1, self._columns)

    def pieces(self) -> Iterator[Rows]:
        """All rows, some at a time."""
        for start in range(0, self._rows, _PIECE):
            yield self.read(start, start + _PIECE)
