"""Work transfer: the work that arrives is the work that was sent, from a file or not."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sftdata.base.sizes import Sizes
from sftdata.building.work_transfer import EncodedWork, encode_work
from sftdata.errors import GoldenSetError
from sftdata.examples.maker import BlockRequest
from sftdata.reading.chunks import read_chunks
from sftdata.reading.sources.resolve import Source, resolve_sources

ROWS = [{"id": f"r{n}", "article": f"Text {n}, “é”. " * 20, "summary": None} for n in range(300)]
LINES = "\n".join(map(json.dumps, ROWS)).encode()  # the last line has no end


def write_table(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=100)


SOURCES: dict[str, Callable[[Path], object]] = {
    "rows.jsonl": lambda path: path.write_bytes(LINES),
    "bom.jsonl": lambda path: path.write_bytes(b"\xef\xbb\xbf" + LINES),
    "rows.jsonl.gz": lambda path: path.write_bytes(gzip.compress(LINES)),
    "rows.json": lambda path: path.write_text(json.dumps(ROWS)),
    "utf16.jsonl": lambda path: path.write_bytes(LINES.decode().encode("utf-16")),
    "rows.parquet": write_table,
}


def requests(path: Path) -> tuple[Source, list[BlockRequest]]:
    (source,) = resolve_sources([str(path)])
    sizes = Sizes(read_bytes=20_000, chunk_bytes=1000)
    chunks = [chunk for group in read_chunks(source, 0, sizes=sizes) for chunk in group]
    return source, [BlockRequest(chunk, (at % 2,)) for at, chunk in enumerate(chunks)]


def sent(work: list[BlockRequest]) -> EncodedWork:
    arrived: EncodedWork = pickle.loads(pickle.dumps(encode_work(work), protocol=5))
    return arrived


@pytest.mark.parametrize("name", SOURCES)
def test_the_work_arrives(name: str, tmp_path: Path) -> None:
    SOURCES[name](tmp_path / name)
    source, work = requests(tmp_path / name)
    assert len(work) > 10
    some = [item for at, item in enumerate(work) if at % 5]  # others are reused
    arrived = sent(some).decode([source])
    for item, other in zip(some, arrived, strict=True):
        mine, its = item.chunk, other.chunk
        assert item.templates == other.templates
        for field in ("source", "first_row", "rows", "size", "digest", "columns"):
            assert getattr(mine, field) == getattr(its, field)
        assert (mine.lines is None) == (its.lines is None)
        if isinstance(mine.data, pa.RecordBatch):
            assert mine.data.equals(its.data)
            assert mine.lines.tolist() == its.lines.tolist()
        else:
            assert bytes(mine.data) == bytes(its.data)


@pytest.mark.parametrize(("name", "share"), [("rows.jsonl", 0.3), ("rows.parquet", 3.0)])
def test_the_rows_of_a_plain_file_stay_there(name: str, share: float, tmp_path: Path) -> None:
    SOURCES[name](tmp_path / name)
    _, work = requests(tmp_path / name)
    size = sum(item.chunk.size for item in work)
    assert len(pickle.dumps(encode_work(work), protocol=5)) < share * size


@pytest.mark.parametrize("changed", [LINES.replace(b"Text 200", b"Text 2oo"), LINES[:-30], b""])
def test_a_file_that_was_changed_meanwhile_is_named(changed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(LINES)
    source, work = requests(path)
    path.write_bytes(changed)
    with pytest.raises(GoldenSetError, match=r"rows.jsonl was changed while it was read"):
        sent(work).decode([source])


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(LINES)
    source, work = requests(path)
    path.unlink()
    with pytest.raises(GoldenSetError, match=r"rows.jsonl: cannot be read: No such file"):
        sent(work).decode([source])
