"""Digests of pieces, whatever the sizes of the writes."""

from __future__ import annotations

import xxhash

from sftdata.base.pieces import PIECE_BYTES, PieceDigests, fits, is_piece

DATA = bytes(range(256)) * (PIECE_BYTES // 256 * 2) + b"end"


def digest(*cuts: int) -> str:
    pieces, start = PieceDigests(), 0
    for cut in (*cuts, len(DATA)):
        pieces.update(DATA[start:cut])
        start = cut
    return pieces.hexdigest()


def test_each_mib_has_a_digest() -> None:
    assert digest() == "".join(
        xxhash.xxh3_64_hexdigest(DATA[start : start + PIECE_BYTES])
        for start in range(0, len(DATA), PIECE_BYTES)
    )
    assert fits(digest(), len(DATA))
    assert not fits(digest(), len(DATA) - 3)
    assert is_piece(b"end", 2, digest())
    assert not is_piece(b"enD", 2, digest())


def test_the_writes_do_not_matter() -> None:
    same = {digest(), digest(7, PIECE_BYTES, PIECE_BYTES + 1), digest(PIECE_BYTES - 1)}
    assert len(same) == 1
    assert PieceDigests().hexdigest() == ""
    assert fits("", 0)
