"""Parquet, Arrow and Feather files with flipped bits, huge lengths, cut ends: rows or an error."""

from __future__ import annotations

import io
import random
import struct
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.loads import Load, Tally

from sftdata.errors import GoldenSetError
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.reading.tables.columns import python_values
from sftdata.reading.tables.read import read_tables

LENGTHS = (0, 1, 2**32 - 1, 2**31 - 1, 2**31, 10**6, 2**30)


def make_table() -> pa.Table:
    rows = range(60)
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": None}]
    return pa.table(
        {
            "id": [f"r{i}" for i in rows],
            "text": ["word é日本 " * (i % 9) for i in rows],
            "label": pa.array(["abcd"[i % 4] for i in rows]).dictionary_encode(),
            "messages": [turns for _ in rows],
            "number": pa.array(rows),
            "map": pa.array([[("k", i)] for i in rows], pa.map_(pa.string(), pa.int64())),
        }
    )


def make_files() -> dict[str, bytes]:
    table, files = make_table(), {}
    for codec in ("none", "snappy", "zstd", "gzip", "lz4"):
        for version in ("1.0", "2.0"):
            sink = io.BytesIO()
            pq.write_table(table, sink, compression=codec, data_page_version=version)
            files[f"{codec}-{version[0]}.parquet"] = sink.getvalue()
    for codec in (None, "lz4", "zstd"):
        for kind, new in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
            sink = io.BytesIO()
            options = pa.ipc.IpcWriteOptions(compression=codec)
            with new(sink, table.schema, options=options) as writer:
                writer.write_table(table, max_chunksize=25)
            files[f"{codec}-{kind}.arrow"] = sink.getvalue()
    return files


def mutate(data: bytes, draw: random.Random) -> bytes:
    """The file with one kind of damage, more often in its metadata, which holds the lengths."""
    changed, size = bytearray(data), len(data)
    start = draw.choice([0, 0, max(0, size - 2000)])  # of an Arrow file at the start, too
    at = draw.randrange(start, min(size, start + 2000) - 8)
    kind = draw.randrange(6)
    if kind == 0:
        changed[at] ^= 1 << draw.randrange(8)
    elif kind == 1:
        for _ in range(9):
            changed[draw.randrange(size)] ^= 1 << draw.randrange(8)
    elif kind == 2:
        changed[at : at + 4] = struct.pack("<I", draw.choice(LENGTHS))
    elif kind == 3:
        changed[at : at + 8] = bytes([draw.choice([0, 127, 128, 255])] * 8)
    elif kind == 4:
        changed[at : at + 100] = bytes(100)
    else:
        del changed[draw.randrange(size) :]
    return bytes(changed)


def read_all(name: str) -> str:
    (source,) = resolve_sources([name])
    for rows in read_tables(source):
        for column in rows.batch.columns:
            python_values(column)
    return "rows"


def test_a_mutated_table_is_rows_or_one_error(load: Load, tally: Tally) -> None:
    draw, ends = load.random("tables"), Counter[str]()
    files, mutants = make_files(), load.count(2_000, 90)
    for number in range(mutants):
        name, data = draw.choice(list(files.items()))
        path = Path(f"{number}-{name}")
        path.write_bytes(mutate(data, draw))
        try:
            ends[read_all(str(path))] += 1
        except GoldenSetError as error:
            assert path.name in str(error)  # noqa: PT017 - rows are right, too
            ends["error"] += 1
        path.unlink()
        tally.add(name.rpartition(".")[2], "mutated")
    assert ends["error"] > mutants / 4
    assert ends["rows"]


@pytest.mark.parametrize("name", ["\udcff", "a\udc80"])
def test_a_column_whose_name_is_no_utf8_is_an_error(name: str) -> None:
    data = next(v for k, v in make_files().items() if k == "none-1.parquet")
    wrong = name.encode("utf-8", "surrogateescape").ljust(6, b"x")
    Path("a.parquet").write_bytes(data.replace(b"number", wrong))
    with pytest.raises(GoldenSetError, match=r"a\.parquet"):
        read_all("a.parquet")


@pytest.mark.parametrize("depth", [20, 60])
def test_a_deep_type_is_rows_or_one_error(depth: int) -> None:
    column = pa.array(["x"])
    for _ in range(depth):
        column = pa.ListArray.from_arrays([0, 1], column)
    batch = pa.RecordBatch.from_arrays([column], ["text"])
    sink = io.BytesIO()
    try:
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
    except pa.ArrowException:
        pytest.skip("Arrow does not write it")
    Path("deep.arrow").write_bytes(sink.getvalue())
    try:
        read_all("deep.arrow")
    except GoldenSetError as error:
        assert "deep.arrow" in str(error)  # noqa: PT017 - rows are right, too
