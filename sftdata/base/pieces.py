"""Digests of the pieces of a file, so that a part of it can be checked without the rest."""

from __future__ import annotations

from typing import Any

import xxhash

PIECE_BYTES = 1024 * 1024  # part of the format: shards are read with the digests of manifests
_DIGITS = 16  # of a digest, in hexadecimal


class PieceDigests:
    """Digests the pieces of a file while it is written."""

    def __init__(self) -> None:
        self._ended: list[str] = []
        self._open, self._size = xxhash.xxh3_64(), 0  # the piece that is not full yet

    def update(self, data: Any) -> None:
        """Adds the next bytes."""
        view = memoryview(data)
        while self._size + len(view) >= PIECE_BYTES:
            room = PIECE_BYTES - self._size
            self._open.update(view[:room])
            self._ended.append(self._open.hexdigest())
            self._open, self._size = xxhash.xxh3_64(), 0
            view = view[room:]
        self._open.update(view)
        self._size += len(view)

    def hexdigest(self) -> str:
        """The digests of all pieces, joined; the last piece may be shorter."""
        return "".join([*self._ended, *([self._open.hexdigest()] if self._size else [])])


def is_piece(data: Any, number: int, digests: str) -> bool:
    """Whether these bytes are the piece of this number."""
    expected = digests[number * _DIGITS : (number + 1) * _DIGITS]
    return xxhash.xxh3_64_hexdigest(data) == expected


def fits(digests: str, size: int) -> bool:
    """Whether there is a digest for each piece of a file of this size."""
    return len(digests) == -(-size // PIECE_BYTES) * _DIGITS
