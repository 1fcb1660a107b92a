"""Count the bytes that have been read of a source's files, for the progress of a build."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class ReadMeter:
    """How many bytes of its files have been read, compressed ones as they are on the disk."""

    done: int = 0


class MeteredFile(io.FileIO):
    """A file whose reads are counted."""

    def __init__(self, path: Path, meter: ReadMeter) -> None:
        super().__init__(path)
        self._meter = meter

    def readinto(self, buffer: Any) -> int:
        """As of any file; `io.BufferedReader` reads through it."""
        read = super().readinto(buffer) or 0
        self._meter.done += read
        return read
