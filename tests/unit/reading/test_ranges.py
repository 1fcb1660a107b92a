"""Ranges: which sources have their chunks in a file as they are read, and what is read there."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import xxhash

from sftdata.errors import GoldenSetError
from sftdata.reading.ranges import has_lines_as_read, read_ranges
from sftdata.reading.sources.resolve import Source, resolve_sources

LINES = [b'{"text": "%d"}\n' % number for number in range(5)]


def source_of(path: Path, content: bytes) -> Source:
    path.write_bytes(content)
    (source,) = resolve_sources([str(path)])
    return source


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", b"".join(LINES), True),
        ("a.jsonl.gz", gzip.compress(b"".join(LINES)), False),
        ("a.json", b"[" + b",".join(LINES) + b"]", False),
        ("a.csv", b"text\n1\n", False),
        ("utf16.jsonl", b"".join(LINES).decode().encode("utf-16"), False),
    ],
)
def test_only_plain_lines_are_in_the_file_as_they_are_read(
    name: str, content: bytes, expected: bool, tmp_path: Path
) -> None:
    assert has_lines_as_read(source_of(tmp_path / name, content)) is expected


def read(source: Source, *at: int) -> list[bytes]:
    size = len(LINES[0])
    digests = [xxhash.xxh3_128_digest(LINES[number]) for number in at]
    found = read_ranges(source, [size * number for number in at], [size] * len(at), digests)
    return [bytes(lines) for lines in found]


def test_the_lines_of_any_chunks_are_read(tmp_path: Path) -> None:
    source = source_of(tmp_path / "a.jsonl", b"".join(LINES)[:-1])  # the last has no end
    assert read(source, 0, 1, 3, 4) == [LINES[0], LINES[1], LINES[3], LINES[4]]


def test_a_file_that_was_cut_is_never_taken_for_the_old_one(tmp_path: Path) -> None:
    source = source_of(tmp_path / "a.jsonl", b"".join(LINES)[:-2])
    assert read(source, 0, 1) == LINES[:2]
    with pytest.raises(GoldenSetError, match=r"a.jsonl was changed while it was read"):
        read(source, 3, 4)
