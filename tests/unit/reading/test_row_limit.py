"""A row without end is refused before it fills the memory, in each layout of text."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path

import pytest

from sftdata.base.sizes import MAX_ROW_BYTES
from sftdata.errors import GoldenSetError
from sftdata.reading.chunks import read_chunks
from sftdata.reading.row_limit import with_limit
from sftdata.reading.sources.resolve import resolve_sources

TOO_LONG = 2 * MAX_ROW_BYTES


def bomb(path: Path, head: bytes, filler: bytes = b"a") -> str:
    """A small file whose last line is far too long."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(TOO_LONG // 2**20):
            file.write(filler * (2**20 // len(filler)))
    assert path.stat().st_size < 2**20
    return str(path)


@pytest.mark.parametrize(
    ("name", "head", "place"),
    [
        ("a.jsonl.gz", b'{"a": "x"}\n\n{"a": "', ":3: a row is longer than 64 MiB"),
        ("a.json.gz", b'[{"a": "x"},\n{"a": "', ": row 2, which begins on line 2: a row is longer"),
        ("a.csv.gz", b"a,b\n1,2\n3,", ": line 3: a row is longer than 64 MiB"),
        ("a.tsv.gz", b"a\tb\n1\t2\n3\t", ": line 3: a row is longer than 64 MiB"),
    ],
)
def test_a_line_without_end_is_refused(name: str, head: bytes, place: str, tmp_path: Path) -> None:
    (source,) = resolve_sources([bomb(tmp_path / name, head)])
    tracemalloc.start()
    with pytest.raises(GoldenSetError) as caught:
        for _ in read_chunks(source, 0):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert place in str(caught.value)
    assert peak < 6 * MAX_ROW_BYTES


def test_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    (source,) = resolve_sources([bomb(tmp_path / "a.csv.gz", b'a,b\n1,"', b"text text text\n\n")])
    with pytest.raises(GoldenSetError, match=r"a\.csv\.gz:2: a row is longer than 64 MiB"):
        list(read_chunks(source, 0))


def test_lines_within_the_limit_are_read_as_they_are() -> None:
    text = b"a" * 1_000_000 + b"\n" + b"b\r\n" * 3 + b"\r" + b"c"
    assert with_limit("f", io.BytesIO(text)).read() == text
