"""Chunks: all rows, once, cut at places that the rows alone decide."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.errors import GoldenSetError
from sftdata.reading import chunks as chunks_module
from sftdata.reading.chunks import Chunk, Foresee, read_chunks
from sftdata.reading.outline import Outline
from sftdata.reading.sources.resolve import resolve_sources


def nothing(chunk: Chunk) -> Iterator[Outline]:
    return iter(())


def chunks_of(name: str, foresee: Foresee = nothing, sizes: Sizes = DEFAULT_SIZES) -> list[Chunk]:
    (source,) = resolve_sources([name])
    return [chunk for piece in read_chunks(source, 0, foresee, sizes) for chunk in piece]


def some_lines(number: int, seed: int = 0) -> list[bytes]:
    rng = random.Random(seed)
    texts = [rng.randbytes(50).hex() for _ in range(number)]
    return [f'{{"id": {i}, "text": "{text}"}}\n'.encode() for i, text in enumerate(texts)]


def test_the_chunks_joined_are_the_file() -> None:
    lines = some_lines(5000)
    Path("a.jsonl").write_bytes(b"".join(lines))
    chunks = chunks_of("a.jsonl")
    assert b"".join(bytes(chunk.data) for chunk in chunks) == b"".join(lines)
    firsts = [chunk.first_row for chunk in chunks]
    assert firsts == [1 + sum(c.rows for c in chunks[:i]) for i in range(len(chunks))]
    average = DEFAULT_SIZES.chunk_bytes
    assert average / 3 < sum(map(len, lines)) / len(chunks) < average * 3


def test_a_row_put_in_changes_the_chunk_around_it_and_no_other() -> None:
    lines = some_lines(5000)
    Path("a.jsonl").write_bytes(b"".join(lines))
    Path("b.jsonl").write_bytes(b"".join([*lines[:2500], b'{"id": "new"}\n', *lines[2500:]]))
    before = [chunk.digest for chunk in chunks_of("a.jsonl")]
    after = [chunk.digest for chunk in chunks_of("b.jsonl")]
    assert len(set(before)) == len(before) > 20
    assert len(set(after) - set(before)) <= 2


@pytest.mark.parametrize("read_bytes", [7, 1000, 40_000])
def test_where_the_file_is_read_in_pieces_cuts_no_chunk(read_bytes: int) -> None:
    Path("a.jsonl").write_bytes(b"".join(some_lines(600)))
    whole = chunks_of("a.jsonl")
    assert chunks_of("a.jsonl", sizes=Sizes(read_bytes=read_bytes)) == whole
    assert len(whole) > 2


def foreseen_from(name: str, sizes: Sizes) -> Foresee:
    """Foresees that what came after a chunk in this file comes after it again."""
    (source,) = resolve_sources([name])
    outlines = [chunks.outline for chunks in read_chunks(source, 0, sizes=sizes)]
    places = {
        outline.digest(at): (number, at)
        for number, outline in enumerate(outlines)
        for at in range(len(outline))
    }

    def foresee(chunk: Chunk) -> Iterator[Outline]:
        if chunk.digest not in places:
            return
        number, at = places[chunk.digest]
        for outline in (outlines[number].after(at), *outlines[number + 1 :]):
            if not outline.is_closed:
                return
            if len(outline):
                yield outline

    return foresee


def change(lines: list[bytes], rng: random.Random) -> list[bytes]:
    """The lines with one to four of them put in, taken out, replaced or moved, or the end cut."""
    changed = [*lines]
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed))
        kind = rng.randrange(5)
        if kind == 0:
            changed.insert(at, b'{"id": "new"}\n')
        elif kind == 1:
            del changed[at]
        elif kind == 2:
            changed[at] = changed[at][: rng.randint(1, 40)].replace(b"\n", b"") + b"\n"
        elif kind == 3:
            changed.append(changed.pop(at))
        else:
            changed = changed[: max(at, 1)]
    return changed


@pytest.mark.parametrize("seed", range(60))
def test_what_is_foreseen_makes_no_difference(seed: int) -> None:
    sizes = Sizes(
        read_bytes=[5_000, 20_000, 1 << 20][seed % 3],
        chunk_bytes=2048,
        # In some, chunks end by their size, which depends on the line after them.
        max_chunk_bytes=[2048, 1 << 20][seed % 2],
    )
    rng = random.Random(seed)
    lines = some_lines(600, seed)
    Path("a.jsonl").write_bytes(b"".join(lines))
    foresee = foreseen_from("a.jsonl", sizes)
    Path("b.jsonl").write_bytes(b"".join(change(lines, rng))[: -rng.randint(1, 2)])
    for name in ("a.jsonl", "b.jsonl"):
        assert chunks_of(name, foresee, sizes) == chunks_of(name, sizes=sizes)


def test_what_is_foreseen_rightly_is_not_cut_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = Sizes(read_bytes=50_000)
    lines = some_lines(10_000)
    Path("a.jsonl").write_bytes(b"".join(lines))
    Path("b.jsonl").write_bytes(b'{"id": "new"}\n' + b"".join(lines))
    foresee, lines_cut = foreseen_from("a.jsonl", sizes), 0
    original = chunks_module._line_hashes

    def counted(*arguments: Any) -> Any:
        nonlocal lines_cut
        lines_cut += len(arguments[1])
        return original(*arguments)

    monkeypatch.setattr(chunks_module, "_line_hashes", counted)
    assert len(chunks_of("b.jsonl", foresee, sizes)) > 50
    assert lines_cut < 2500  # of the first pieces and the last


def test_compressed_files_give_the_same_chunks() -> None:
    content = b"".join(some_lines(2000))
    Path("a.jsonl").write_bytes(content)
    Path("b.jsonl.gz").write_bytes(gzip.compress(content[:999]) + gzip.compress(content[999:]))
    Path("c.jsonl.zst").write_bytes(pa.compress(content, "zstd", asbytes=True))
    assert chunks_of("b.jsonl.gz") == chunks_of("a.jsonl") == chunks_of("c.jsonl.zst")


def test_a_last_line_without_its_end_is_a_row_like_any_other() -> None:
    Path("a.jsonl").write_bytes(b'{"a": 1}\n{"a": 2}\n')
    Path("b.jsonl").write_bytes(b'{"a": 1}\n{"a": 2}')
    assert chunks_of("a.jsonl") == chunks_of("b.jsonl")


def test_a_byte_order_mark_is_no_part_of_the_rows() -> None:
    Path("a.jsonl").write_bytes(b"\xef\xbb\xbf" + b'{"a": 1}\n')
    assert [chunk.data for chunk in chunks_of("a.jsonl")] == [b'{"a": 1}\n']


def test_rows_that_are_all_alike_still_give_chunks_of_bounded_size() -> None:
    line = b'{"id": "same", "text": "0123456789012345678901234567890123456789"}\n'
    Path("a.jsonl").write_bytes(line * 50_000)
    chunks = chunks_of("a.jsonl")
    assert sum(chunk.rows for chunk in chunks) == 50_000
    assert max(len(bytes(chunk.data)) for chunk in chunks) <= 1024 * 1024


def test_one_line_longer_than_a_piece_is_one_row() -> None:
    Path("a.jsonl").write_bytes(b'{"a": "' + b"x" * 20_000_000 + b'"}\n{"a": "y"}\n')
    chunks = chunks_of("a.jsonl")
    assert [(chunk.first_row, chunk.rows) for chunk in chunks] in ([(1, 2)], [(1, 1), (2, 1)])


def test_an_empty_file_has_no_chunks() -> None:
    Path("a.jsonl").touch()
    assert chunks_of("a.jsonl") == []


def test_table_chunks_hold_the_rows_and_their_lines() -> None:
    rows = [f'{i},"two\nlines {i} {"x" * 200}"\n' for i in range(1000)]
    Path("a.csv").write_text("id,text\n" + "".join(rows))
    chunks = chunks_of("a.csv")
    ids = [row["id"] for chunk in chunks for row in chunk.data.to_pylist()]
    assert ids == [str(i) for i in range(1000)]
    assert len(chunks) > 3
    for chunk in chunks:
        assert chunk.first_row == 2 + 2 * int(chunk.data.column("id")[0].as_py())


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
@pytest.mark.parametrize("cut", [1, 300])
def test_a_compressed_file_that_was_cut_is_an_error(name: str, cut: int) -> None:
    content = b"".join(some_lines(500))
    zstd = pa.compress(content, "zstd", asbytes=True)
    packed = gzip.compress(content) if name.endswith(".gz") else zstd
    Path(name).write_bytes(packed[:-cut])
    with pytest.raises(GoldenSetError, match=rf"^{name}: (?s:.*)again"):
        chunks_of(name)


TABLES = [
    {"text": ["a", None]},
    {"text": ["a", ""]},
    {"text": ["", "a"]},
    {"text": ["a", "None"]},
    {"other": ["a", None]},
    {"text": ["a", None], "n": [1, 2]},
    {"text": ["a", None], "n": ["1", "2"]},
    {"text": ["a", None], "n": [1.0, 2.0]},
    {"text": ["a", None], "n": [[1], [2]]},
    {"text": ["a", None], "n": [[1, 2], []]},
]


def test_tables_with_other_values_names_or_types_have_other_digests() -> None:
    digests = []
    for number, table in enumerate(TABLES):
        pq.write_table(pa.table(table), f"{number}.parquet")
        pq.write_table(pa.table(table), f"{number}again.parquet", compression="zstd")
        digests.append(tuple(chunk.digest for chunk in chunks_of(f"{number}.parquet")))
        assert tuple(c.digest for c in chunks_of(f"{number}again.parquet")) == digests[-1]
    assert len(set(digests)) == len(TABLES)


def test_only_columns_that_are_read_count_for_the_digest() -> None:
    def digest(table: dict[str, list[object]], *columns: str) -> bytes:
        pq.write_table(pa.table(table), "t.parquet")
        (source,) = resolve_sources(["t.parquet"])
        (chunks,) = read_chunks(source, 0, columns=columns)
        assert chunks[0].columns == tuple(table)
        return chunks[0].digest

    one, other = {"a": ["x"], "b": [[1.0]]}, {"a": ["x"], "b": [[2.0]]}
    assert digest(one, "a") == digest(other, "a") == digest({"a": ["x"]}, "a")
    assert digest(one, "a", "b") != digest(other, "a", "b")
    assert digest({"a": ["x"], "b": ["x"]}, "a") != digest({"a": ["x"], "b": ["x"]}, "b")
