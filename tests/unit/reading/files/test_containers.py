"""Containers: the same rows arrive from every file that people keep JSON in."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.chunks import Chunk, read_chunks
from sftdata.reading.sources.resolve import resolve_sources

ROWS = [
    {"a": f'line {i}\u2028and\u0085 \\ "{i}" [{{', "b": {"c": [i, None]}, "ä": "\U0001f600"}
    for i in range(7)
]
ARRAY = json.dumps(ROWS)
PRETTY = json.dumps(ROWS, indent=1, ensure_ascii=False)
LINES = [json.dumps(row, ensure_ascii=False) for row in ROWS]
OBJECTS = [json.dumps(row, indent=2) for row in ROWS]
NAMES = list(ROWS[0])


def chunks_of(name: str, content: str | bytes) -> list[Chunk]:
    data = content if isinstance(content, bytes) else content.encode()
    Path(name).write_bytes(data)
    (source,) = resolve_sources([name])
    return [chunk for chunks in read_chunks(source, 0) for chunk in chunks]


def rows_of(name: str, content: str | bytes) -> list[object]:
    lines = b"".join(bytes(chunk.data) for chunk in chunks_of(name, content))
    return [json.loads(line) for line in lines.split(b"\n") if line.strip()]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("array.json", ARRAY),
        ("array.jsonl", ARRAY),
        ("pretty_array.json", PRETTY),
        ("pretty_array.jsonl", PRETTY),
        ("a_row_a_line.json", ARRAY.replace("}, {", "},\n{")),
        ("returns.json", PRETTY.replace("\n", "\r\n")),
        ("lines.jsonl", "\n".join(LINES)),
        ("lines.json", "\n".join(LINES)),
        ("blank_lines.jsonl", "\n\n \n".join(LINES) + "\n\n"),
        ("mac.jsonl", "\r".join(LINES)),
        ("windows.jsonl", "\r\n".join(LINES)),
        ("objects.json", "\n".join(OBJECTS)),
        ("objects.jsonl", "\r\n".join(OBJECTS)),
        ("nothing_between.jsonl", "".join(LINES)),
        ("nothing_between.json", "".join(OBJECTS)),
        ("wrapped.json", json.dumps({"version": 2, "data": ROWS, "info": {"x": [1]}}, indent=1)),
        ("wrapped_line.json", json.dumps({"data": ROWS})),
        ("columns.json", json.dumps({n: [row[n] for row in ROWS] for n in NAMES})),
        (
            "pandas.json",
            json.dumps({n: {str(i): row[n] for i, row in enumerate(ROWS)} for n in NAMES}),
        ),
        (
            "split.json",
            json.dumps(
                {"columns": NAMES, "index": [*range(7)], "data": [[*r.values()] for r in ROWS]}
            ),
        ),
        ("by_number.json", json.dumps({str(i): row for i, row in enumerate(ROWS)})),
        ("no_suffix", "\n".join(LINES)),
        ("array.txt", ARRAY),
        ("named.csv", PRETTY),
    ],
)
@pytest.mark.parametrize(
    "encode",
    [str.encode, lambda text: text.encode("utf-8-sig"), lambda text: text.encode("utf-16")],
    ids=["utf-8", "bom", "utf-16"],
)
def test_the_rows_are_the_same_from_every_container(
    name: str, content: str, encode: Callable[[str], bytes]
) -> None:
    assert rows_of(name, encode(content)) == ROWS


@pytest.mark.parametrize("name", ["a.jsonl", "a.json.gz", "a"])
@pytest.mark.parametrize(
    "compress",
    [gzip.compress, bz2.compress, lzma.compress, lambda data: pa.compress(data, "zstd", True)],
    ids=["gzip", "bzip2", "xz", "zstd"],
)
def test_the_content_tells_the_compression(name: str, compress: Callable[[bytes], bytes]) -> None:
    assert rows_of(name, compress(ARRAY.encode())) == ROWS


def test_a_name_that_promises_compression_may_be_wrong() -> None:
    assert rows_of("a.jsonl.gz", "\n".join(LINES)) == ROWS


def test_a_spec_in_place_of_rows_is_an_error_with_the_option_for_it() -> None:
    with pytest.raises(GoldenSetError, match="holds no rows") as caught:
        rows_of("news.toml", 'task = "summarize"')
    assert "--spec FILE" in str(caught.value)


def test_the_text_of_a_row_is_unchanged() -> None:
    row = rb'{"a": "\u00e9\ud800\/", "n": 1.10, "big": 123456789012345678901, "a": NaN}'
    (chunk,) = chunks_of("a.json", b"[" + row + b",\n " + row + b"]")
    assert bytes(chunk.data) == row + b"\n" + row + b"\n"


@pytest.mark.parametrize("content", ["[]", " [ \n ]\n", "", " \n", '{"data": []}', "{}"])
def test_a_file_may_hold_no_row(content: str) -> None:
    assert rows_of("a.json", content) in ([], [{}], [{"data": []}])


def test_the_line_of_a_row_is_its_number() -> None:
    assert [(chunk.first_row, chunk.rows) for chunk in chunks_of("a.json", PRETTY)] == [(1, 7)]


def test_a_list_of_turns_is_a_row() -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    rows = [turns, turns]
    assert rows_of("a.json", json.dumps([turns, turns])) == rows
    assert rows_of("b.jsonl", f"{json.dumps(turns)}\n{json.dumps(turns)}\n") == rows
    assert rows_of("c.json", json.dumps(turns, indent=1)) == [turns]
    parts = [{"role": "user", "note": "{[", "content": [{"type": "text", "text": "Hi"}]}]
    assert rows_of("e.json", json.dumps(parts)) == [parts]
    wrapped = [{"conversations": turns}, {"conversations": turns}]
    assert rows_of("f.json", json.dumps(wrapped)) == wrapped
    mails = [{"from": "ann", "to": "bob", "body": "Hi"}]
    assert rows_of("d.json", json.dumps(mails)) == mails
    talks = [{"id": 1, "conversations": [{"from": "human", "value": "Hi"}]}]
    assert rows_of("e.json", json.dumps(talks)) == talks
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert rows_of("f.json", json.dumps(parts)) == [parts]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"prompt": [{"from": "human", "value": "Hi"}], "completion": [{"from": "gpt"}]},
        {"a": "text", "b": ["x", "y"]},
        {"translation": {"en": "a", "de": "b"}},
        {},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_an_object_alone_in_a_file_may_be_a_row(row: object, indent: int | None) -> None:
    assert rows_of("a.json", json.dumps(row, indent=indent)) == [row]


def test_in_a_file_of_lines_an_object_alone_is_a_row() -> None:
    row = {"edits": [{"at": 1}], "words": ["a"]}
    assert rows_of("a.jsonl", json.dumps(row)) == [row]


def test_keys_beside_the_list_of_rows_are_known() -> None:
    Path("a.json").write_text(json.dumps({"version": 2, "data": ROWS, "info": {"x": 1}}))
    (source,) = resolve_sources(["a.json"])
    assert (source.layout.key, source.layout.unread) == ("data", ("version", "info"))


def test_several_lists_of_rows_are_an_error_that_names_them() -> None:
    with pytest.raises(GoldenSetError, match=r"several lists of rows: 'train', 'test'\.\nWrite"):
        rows_of("a.json", json.dumps({"train": ROWS, "test": ROWS}))


def test_columns_of_one_length_in_name_only_are_a_row() -> None:
    row = {"tokens": ["a", "b"], "tags": ["x"]}
    assert rows_of("a.json", json.dumps(row)) == [row]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1},\n{"a": 2},\n', r"the file ends after row 2 \(line 3\) without \]"),
        ('[{"a": 1},\n\n{"a": ', r"row 2, which begins on line 3, is not closed"),
        ('{"data": [{"a": 1},\n{"a": ', "the file ends inside it"),
        ('[{"a": 1},\n{"a": 2},\n]', "line 3: after row 2 stands a comma"),
        ('[{"a": 1}\n{"a": 2}]', "line 1: after row 1 a comma is missing"),
        ('[{"a": 1},\n// no\n{"a": 2}]', "after row 1 stands a comment: '// no'"),
        ('[{"a": 1}, 2]', "after row 1 stands '2]', where a row is expected"),
        ('["a", "b"]', """before the first row stands '"a", "b"]'"""),
        ('[{"a": 1}]\n{"a": 2}', """'{"a": 2}' follows the end of the JSON array"""),
        ('[{"a": "b\nc"}]', "line 1: a line break stands inside a text"),
        ('{\n"a": 1},\n{\n"a": 2}', "line 2: after row 1 stands a comma"),
        ('{"a": [1], "a": [2]}', "the key 'a' stands in an object more than once"),
    ],
)
def test_a_broken_container_is_an_error_with_row_and_line(content: str, message: str) -> None:
    with pytest.raises(GoldenSetError, match=message):
        rows_of("a.json", content)


def test_a_first_line_that_is_no_row_is_an_error_before_anything_is_built() -> None:
    Path("a.jsonl").write_text("\n\n{'a': 1}\n")
    with pytest.raises(GoldenSetError, match=r"^a\.jsonl:3: written as Python prints it"):
        resolve_sources(["a.jsonl"])


@pytest.mark.parametrize(
    "row", [b'{"a": "\xff"}', b'{"a": ' + b"9" * 5000 + b"}", b'{"a": ' + b"[" * 20_000]
)
def test_a_first_line_that_only_parsing_can_judge_is_a_line(row: bytes) -> None:
    assert b"".join(bytes(chunk.data) for chunk in chunks_of("a.jsonl", row)) == row + b"\n"


def test_lines_of_an_array_are_named_as_that() -> None:
    Path("a.jsonl").write_text('[{"a": 1},\n{"a": 2}]\n')
    with pytest.raises(GoldenSetError, match=r"^a\.jsonl:1: .*array that is cut into lines"):
        resolve_sources(["a.jsonl"])


@pytest.mark.parametrize("longer", [1, 70_000])
def test_a_first_row_longer_than_what_is_looked_at_changes_nothing(longer: int) -> None:
    rows = [{"a": "x" * longer}, {"a": "y"}]
    text = [json.dumps(row) for row in rows]
    for name, content in {
        "a.jsonl": "\n".join(text),
        "b.jsonl": "".join(text),
        "c.json": json.dumps(rows),
        "d.json": json.dumps({"data": rows}),
    }.items():
        assert rows_of(name, content) == rows


@pytest.mark.parametrize(
    ("content", "format_"),
    [("a\tb\n1,0\t2\n", "tsv"), ("a,b\n1,2\n", "csv"), ("a;b\n1;2\n", "csv")],
)
def test_a_table_without_a_name_is_known_by_its_delimiter(content: str, format_: str) -> None:
    Path("table.txt").write_text(content)
    assert resolve_sources(["table.txt"])[0].format == format_


def test_parquet_is_parquet_by_any_name() -> None:
    from pyarrow import parquet

    parquet.write_table(pa.table({"a": ["x"]}), "a.jsonl")
    assert resolve_sources(["a.jsonl"])[0].format == "parquet"
