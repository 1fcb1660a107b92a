"""Files that are copied piece by piece, from a store in the memory of the process."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from sftdata.base.pieces import PIECE_BYTES, PieceDigests
from sftdata.base.stores import StoredFolder
from sftdata.errors import SftdataError, VerificationError
from sftdata.loading.partial_file import PartialFile, PartialStream

DATA = random.Random(0).randbytes(4 * PIECE_BYTES + 100)


class CountingFolder(StoredFolder):
    """Counts the bytes that are read."""

    requests: list[tuple[int, int]]

    def read_range(self, name: str, start: int, end: int) -> bytes:
        self.requests.append((start, end))
        return super().read_range(name, start, end)


@pytest.fixture
def folder() -> Iterator[CountingFolder]:
    folder = CountingFolder("memory://made/folder")
    folder.replace("file", DATA, None)
    folder.requests = []
    yield folder
    fsspec.filesystem("memory").store.clear()


def open_file(folder: StoredFolder, digested: bytes = DATA) -> PartialFile:
    pieces = PieceDigests()
    pieces.update(digested)
    return PartialFile(folder, "file", Path("copy/file.part"), len(DATA), pieces.hexdigest())


def test_only_missing_pieces_are_fetched(folder: CountingFolder) -> None:
    file = open_file(folder)
    at = 2 * PIECE_BYTES - 5
    assert file.read(at, at + 10) == DATA[at : at + 10]
    assert folder.requests == [(PIECE_BYTES, 3 * PIECE_BYTES)]
    assert file.read(at, at + 99) == DATA[at : at + 99]
    assert file.read(len(DATA) - 3, len(DATA) + 50) == DATA[-3:]
    assert folder.requests[1:] == [(4 * PIECE_BYTES, len(DATA))]

    again = open_file(folder)  # another process
    assert again.fetch(0, len(DATA)) == 2 * PIECE_BYTES
    assert folder.requests[2:] == [(0, PIECE_BYTES), (3 * PIECE_BYTES, 4 * PIECE_BYTES)]
    assert again.sha256() == hashlib.sha256(DATA).hexdigest()


def test_a_piece_of_the_copy_that_was_damaged_is_fetched_again(folder: CountingFolder) -> None:
    open_file(folder).fetch(0, len(DATA))
    with Path("copy/file.part").open("r+b") as copy:
        copy.seek(PIECE_BYTES + 1)
        copy.write(b"harm")
    folder.requests.clear()
    assert open_file(folder).read(0, len(DATA)) == DATA
    assert folder.requests == [(PIECE_BYTES, 2 * PIECE_BYTES)]


def test_a_piece_of_the_store_that_is_wrong_is_refused(folder: CountingFolder) -> None:
    changed = bytearray(DATA)
    changed[PIECE_BYTES] ^= 1
    file = open_file(folder, bytes(changed))
    assert file.read(0, 4) == DATA[:4]
    said = r"memory://made/folder/file: not the content of the build \(the digest of MiB 1 differs"
    for _ in range(2):
        with pytest.raises(VerificationError, match=said):
            file.read(PIECE_BYTES, PIECE_BYTES + 4)


def test_an_object_that_is_cut_is_refused(folder: CountingFolder) -> None:
    folder.replace("file", DATA[:-1], DATA)
    with pytest.raises(SftdataError, match="99 of 100 bytes came"):
        open_file(folder).read(len(DATA) - 1, len(DATA))


def test_the_stream_is_the_file(folder: CountingFolder) -> None:
    stream = PartialStream(open_file(folder))
    assert stream.seek(-4, io.SEEK_END) == len(DATA) - 4
    assert stream.read(10) == DATA[-4:]
    assert stream.read(10) == b""
    stream.seek(PIECE_BYTES)
    stream.seek(2, io.SEEK_CUR)
    assert stream.read(3) == DATA[PIECE_BYTES + 2 : PIECE_BYTES + 5]
    assert stream.tell() == PIECE_BYTES + 5
