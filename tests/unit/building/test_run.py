"""One run of a build: what it tells of its progress."""

from __future__ import annotations

import gzip
from pathlib import Path

from support.forty_rows import rows, write_rows, write_spec

from sftdata.base.sizes import Sizes
from sftdata.building.build import build_spec

Told = list[tuple[int, float | None]]


def build_and_listen(tokenizer: Path) -> Told:
    """Builds `rows.jsonl` in small chunks; what the build told of its progress."""
    told: Told = []
    sizes = Sizes(read_bytes=1_000, chunk_bytes=300, batch_rows=8)
    build_spec(
        write_spec(tokenizer),
        out="out",
        sizes=sizes,
        progress=lambda rows, share: told.append((rows, share)),
    )
    return told


def test_progress_ends_at_all_rows_and_all_bytes(byte_tokenizer: Path) -> None:
    write_rows(rows())
    told = build_and_listen(byte_tokenizer)
    shares = [share for _, share in told if share is not None]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1
    assert told[-1] == (40, 1.0)


def test_the_share_of_a_compressed_file_is_not_known(byte_tokenizer: Path) -> None:
    write_rows(rows())
    path = Path("rows.jsonl")
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert build_and_listen(byte_tokenizer)[-1] == (40, None)
