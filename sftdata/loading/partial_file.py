"""A file of an object store that is copied piece by piece, as its pieces are needed.

The copy has the size of the file, with holes. No list says which pieces it holds: a piece is there
if it has the digest that the manifest records. So a killed process, or several at once, leave
nothing that could be taken for the file.
"""

from __future__ import annotations

import hashlib
import io
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sftdata.base.pieces import PIECE_BYTES, is_piece
from sftdata.base.stores import StoredFolder
from sftdata.errors import VerificationError

# A build compares only the sizes of files in the store, so it would keep a file of wrong bytes.
MEND = "Remove the file from the store if it is there, and build there again: it is uploaded anew."
_AT_ONCE = 16  # pieces of a request: bounds the memory of one that fetches a whole file


class PartialFile:
    """The copy at `path` of the file `name` in a store; `digests`: see `base.pieces`."""

    def __init__(
        self, folder: StoredFolder, name: str, path: Path, size: int, digests: str
    ) -> None:
        self._folder, self._name, self._size, self._digests = folder, name, size, digests
        self.path = path
        self._has: set[int] = set()  # numbers of pieces that were found whole
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        weakref.finalize(self, os.close, self._handle)
        os.truncate(self._handle, size)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._size

    def fetch(self, start: int, end: int) -> int:
        """Makes sure that the bytes from `start` to `end` are there; how many were fetched.

        Raises `VerificationError` for a piece that is not the one that the build wrote.
        """
        pieces = range(start // PIECE_BYTES, -(-min(end, self._size) // PIECE_BYTES))
        missing = [number for number in pieces if not self._is_there(number)]
        return sum(self._fetch_run(run) for run in _runs(missing))

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, which are fetched if they are missing."""
        self.fetch(start, end)
        return os.pread(self._handle, min(end, self._size) - start, start)

    def sha256(self) -> str:
        """The digest of the copy as it is."""
        with open(self._handle, "rb", closefd=False) as file:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _is_there(self, number: int) -> bool:
        if number not in self._has:
            data = os.pread(self._handle, PIECE_BYTES, number * PIECE_BYTES)
            if is_piece(data, number, self._digests):
                self._has.add(number)
        return number in self._has

    def _fetch_run(self, run: range) -> int:
        start = run.start * PIECE_BYTES
        data = self._folder.read_range(self._name, start, min(run.stop * PIECE_BYTES, self._size))
        for number in run:
            at = number * PIECE_BYTES - start
            piece = data[at : at + PIECE_BYTES]
            if not is_piece(piece, number, self._digests):
                raise VerificationError(
                    f"{self._folder}/{self._name}: not the content of the build (the digest of "
                    f"MiB {number} differs).",
                    MEND,
                )
            os.pwrite(self._handle, piece, start + at)
            self._has.add(number)
        return len(data)


def _runs(numbers: list[int]) -> Iterator[range]:
    """Numbers that follow each other, as ranges of at most `_AT_ONCE`."""
    run = range(0)
    for number in numbers:
        if number == run.stop and 0 < len(run) < _AT_ONCE:
            run = range(run.start, number + 1)
            continue
        if run:
            yield run
        run = range(number, number + 1)
    if run:
        yield run


class PartialStream(io.RawIOBase):
    """A partial file as a stream to read, from any place."""

    def __init__(self, file: PartialFile) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        """True: Arrow asks."""
        return True

    def seekable(self) -> bool:
        """True: Arrow asks."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a place, counted from the start, from here or from the end."""
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}
        self._at = starts[whence] + offset
        return self._at

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Reads the next bytes, as many as `buffer` takes; 0 at the end."""
        data = self._file.read(self._at, self._at + len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
