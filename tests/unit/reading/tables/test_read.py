"""Tables: every cell as it is in the file, and the place of every row."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.reading.tables.read import read_tables

TABLE = pa.table({"id": ["1", "2", "3"], "text": ["a", "b\r\nc", "日本"]})


def read(name: str, content: bytes) -> list[dict[str, Any]]:
    Path(name).write_bytes(content)
    (source,) = resolve_sources([name])
    return [row for table in read_tables(source) for row in table.batch.to_pylist()]


def lines_of(name: str, content: bytes) -> list[int]:
    Path(name).write_bytes(content)
    (source,) = resolve_sources([name])
    return [line for table in read_tables(source) for line in table.lines.tolist()]


def arrow_bytes(table: pa.Table, *, stream: bool) -> bytes:
    sink = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def write_all(columns: dict[str, Any]) -> None:
    """Writes the table in every format."""
    table = pa.table(columns)
    pq.write_table(table, "t.parquet")
    pa.feather.write_feather(table, "t.feather", compression="lz4")
    Path("file.arrow").write_bytes(arrow_bytes(table, stream=False))
    Path("stream.arrow").write_bytes(arrow_bytes(table, stream=True))
    if all(pa.types.is_string(column.type) for column in table.columns):
        rows = [",".join(row.values()) for row in table.to_pylist()]
        Path("t.csv").write_text("\n".join([",".join(table.column_names), *rows]))


@pytest.mark.parametrize(
    "cell",
    ["NA", "null", "NULL", "nan", "", "  x  ", "007", "1e5", "true", "2024-01-02", "12:30", "日本"],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_csv_cell_is_its_text_and_nothing_else(cell: str, quoted: bool) -> None:
    written = f'"{cell}"' if quoted else cell
    assert read("t.csv", f"id,text\n1,{written}\n".encode()) == [{"id": "1", "text": cell}]


def test_a_quoted_csv_cell_may_hold_line_ends_quotes_and_delimiters() -> None:
    content = b'id,text\r\n1,"a\r\nb"\r\n2,"c\nd"\r\n3,"say ""hi"", x"\r\n'
    texts = [row["text"] for row in read("t.csv", content)]
    assert texts == ["a\r\nb", "c\nd", 'say "hi", x']


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert read("t.csv", b"\xef\xbb\xbfid,text\n1,a\n") == [{"id": "1", "text": "a"}]


def test_tsv_cells_may_hold_commas() -> None:
    assert read("t.tsv", b"id\ttext\n1\ta, b\n") == [{"id": "1", "text": "a, b"}]


def test_parquet_feather_and_both_arrow_formats_give_the_same_rows() -> None:
    write_all(TABLE.to_pydict())
    for name in ("t.parquet", "t.feather", "file.arrow", "stream.arrow"):
        (source,) = resolve_sources([name])
        assert [r for t in read_tables(source) for r in t.batch.to_pylist()] == TABLE.to_pylist(), (
            name
        )


def test_a_row_starts_on_its_line_also_after_cells_with_line_ends() -> None:
    #             line 1    2       4 (after the cell)   5
    content = b'id,text\n1,"a\nb"\n2,"c"\n3,d\n'
    assert lines_of("t.csv", content) == [2, 4, 5]


def test_a_row_starts_on_its_line_also_after_blank_lines() -> None:
    assert lines_of("t.csv", b"id,text\n1,a\n\n\n2,b\n") == [2, 5]


def test_rows_of_other_tables_are_counted_from_one() -> None:
    assert lines_of("t.arrow", arrow_bytes(TABLE, stream=True)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("t.csv", b"id,text\n1,a\n2\n3,c\n", "t.csv:3"),
        ("t.csv", b"id,text\n1,a\n2,b,c\n", "t.csv:3"),
        ("t.csv", b'id,text\n1,"a\nb"\n2\n', "t.csv:4"),
        ("t.csv", b"id,text\n1,a\n2,\xff\n", "t.csv:3"),
        ("t.csv", b'id,text\n1,a\n2,"b\n3,c\n', "t.csv:3"),
        ("t.csv", b"id,text,text\n1,a,b\n", "t.csv:1"),
        ("t.csv", b"", "t.csv"),
        ("t.csv.gz", gzip.compress(b"id,text\n" + b"1,a\n" * 999)[:-9], "t.csv.gz"),
        ("t.parquet", b"PAR1 and no more", "t.parquet"),
        ("t.arrow", b"", "t.arrow"),
        ("t.arrow", b"not an arrow file at all", "t.arrow"),
        ("t.arrow", arrow_bytes(TABLE, stream=False)[:-60], "t.arrow"),
        ("t.arrow", arrow_bytes(TABLE, stream=True)[:-60], "t.arrow"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_an_error_with_its_place(
    name: str, content: bytes, place: str
) -> None:
    with pytest.raises(GoldenSetError) as caught:
        read(name, content)
    message, hint = str(caught.value).split("\n", 1)[0], str(caught.value).split("\n")[-1]
    assert message.startswith(f"{place}:")
    assert hint.endswith(".")


def test_a_damaged_gzip_file_is_an_error_of_its_own() -> None:
    damaged = bytearray(gzip.compress(b"".join(b"%d,a%d\n" % (i, i * i) for i in range(5000))))
    damaged[3000:3020] = bytes(20)
    with pytest.raises(GoldenSetError, match=r"^t\.csv\.gz: "):
        read("t.csv.gz", bytes(damaged))


def test_a_quote_that_the_end_of_the_file_leaves_open_is_an_error() -> None:
    with pytest.raises(GoldenSetError, match=r"^t\.csv:"):
        read("t.csv", b'id,text\n1,a\n2,"b\n')


def test_bytes_that_are_not_utf8_are_an_error_that_asks_for_utf8() -> None:
    with pytest.raises(GoldenSetError, match=r"^t\.csv:3: (?s:.*)UTF-8"):
        read("t.csv", b"id,text\n1,a\n2,\xff\n")


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "file.arrow", "stream.arrow", "t.csv"])
def test_only_the_wanted_columns_are_read(name: str) -> None:
    write_all({"id": ["1", "2"], "text": ["a", "b"], "other": ["x", "y"]})
    (source,) = resolve_sources([name])
    (rows,) = read_tables(source, {"text", "id", "nowhere"})
    assert rows.batch.to_pydict() == {"id": ["1", "2"], "text": ["a", "b"]}
    assert rows.columns == ("id", "text", "other")


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "file.arrow", "stream.arrow"])
def test_rows_are_counted_when_no_column_is_wanted(name: str) -> None:
    write_all({"id": ["1", "2"]})
    (source,) = resolve_sources([name])
    (rows,) = read_tables(source, {"nowhere"})
    assert (rows.batch.num_rows, rows.batch.num_columns) == (2, 0)


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "file.arrow", "stream.arrow"])
def test_an_unwanted_column_may_hold_anything(name: str) -> None:
    twice = pa.StructArray.from_arrays([pa.array(["a"]), pa.array(["b"])], ["k", "k"])
    far = pa.array([2**60], pa.timestamp("ms"))
    texts = pa.array(["a"]).dictionary_encode()
    write_all({"text": ["a"], "twice": twice, "far": far, "texts": texts})
    (source,) = resolve_sources([name])
    (rows,) = read_tables(source, {"text"})
    assert rows.batch.to_pydict() == {"text": ["a"]}


def test_a_column_name_may_repeat_where_nothing_reads_it() -> None:
    table = pa.Table.from_arrays([pa.array([c]) for c in "abc"], ["text", "x", "x"])
    pq.write_table(table, "t.parquet")
    (source,) = resolve_sources(["t.parquet"])
    assert [rows.batch.to_pydict() for rows in read_tables(source, {"text"})] == [{"text": ["a"]}]
    with pytest.raises(GoldenSetError, match="'x' stands there more than once"):
        list(read_tables(source, {"x"}))
