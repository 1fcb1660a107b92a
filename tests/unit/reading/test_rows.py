"""Rows: columns of text out of chunks, a fault for every row that is not usable.

There are two JSON parsers, one native and one that explains. A path of two steps makes the second
one run, so the same rows are read through both here and must come out the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftdata.errors import GoldenSetError
from sftdata.reading.chunks import read_chunks
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repairs
from sftdata.reading.rows import RowReader, Rows
from sftdata.reading.sources.resolve import Source, resolve_sources
from sftdata.spec.fields import FieldRule

FIELDS: dict[str, Any] = {"article": "article", "summary": "summary"}
OK = b'{"id": "ok", "article": "An article.", "summary": "A summary."}\n'


def parse(
    content: bytes,
    name: str = "rows.jsonl",
    *,
    fields: dict[str, Any] = FIELDS,
    id_path: str | None = "id",
    group: str | None = None,
    keep_nul: bool = False,
    id_prefix: str | None = None,
    required: frozenset[str] = frozenset(),
) -> Rows:
    Path(name).write_bytes(content)
    sources = tuple(resolve_sources([name]))
    reader = RowReader(
        sources,
        rules(fields),
        id_path,
        group,
        keep_nul,
        id_prefix=id_prefix,
        required=required,
    )
    return reader.parse([chunk for piece in read_chunks(sources[0], 0) for chunk in piece])


def rules(fields: dict[str, Any]) -> dict[str, FieldRule]:
    return {name: FieldRule.model_validate(rule) for name, rule in fields.items()}


def seen(rows: Rows) -> list[Any]:
    """Everything that the rest of a build sees of rows."""
    return [
        rows.batch.to_pylist(),
        rows.chunk.tolist(),
        rows.line.tolist(),
        rows.hashes.tolist(),
        rows.group_hashes.tolist(),
        rows.faults,
        rows.remarks,
    ]


def outcome(content: bytes, fields: dict[str, str]) -> Any:
    try:
        return seen(parse(content, fields=fields))
    except GoldenSetError as error:
        return str(error).split(": ")[0]


def through_both(content: bytes) -> tuple[Any, Any]:
    """What either parser makes of rows that have `"x"` and, equal to it, `"nested": {"x"}`."""
    return outcome(content, FIELDS | {"x": "x"}), outcome(content, FIELDS | {"x": "nested.x"})


def test_usable_rows_come_out_as_columns_in_order() -> None:
    rows = parse(
        b'{"id": "a", "article": "one", "summary": "1", "other": [1, {"deep": null}]}\n'
        b'{"summary": "2", "article": "two", "id": "b"}\n'
    )
    assert rows.batch.to_pylist() == [
        {"row_id": "a", "article": "one", "summary": "1"},
        {"row_id": "b", "article": "two", "summary": "2"},
    ]
    assert set(rows.batch.schema.types) == {pa.large_string()}
    assert rows.line.tolist() == [1, 2]
    assert rows.faults == []


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        ("1e999", "wrong_type", "'article' is a number (inf), not text"),
        ("NaN", "missing_field", "'article' is missing or null"),
        ('["a"]', "wrong_type", "'article' is a list, not text"),
        ('{"a": "b"}', "wrong_type", "'article' is an object, not text"),
        ("null", "missing_field", "'article' is missing or null"),
        ('""', "empty_field", "'article' is empty"),
        ('" \\t\\r\\n"', "empty_field", "'article' is empty"),
        ('"\\u00a0\\u2003\\u3000\\u2028"', "empty_field", "'article' is empty"),
        ('"\\u000b\\u0085"', "empty_field", "'article' is empty"),
        ('"a\\u0000b"', "nul_character", "'article' holds a NUL (U+0000)"),
        ('"a\\ud800b"', "lone_surrogate", "'article' holds a lone surrogate (U+D800)"),
        ('"a\\udc00b"', "lone_surrogate", "'article' holds a lone surrogate (U+DC00)"),
    ],
)
def test_a_value_that_is_no_text_is_a_fault_of_its_row(
    value: str, reason: str, detail: str
) -> None:
    odd = f'{{"id": "odd", "article": {value}, "summary": "s"}}\n'.encode()
    rows = parse(OK + odd + OK.replace(b"ok", b"ok2"))
    assert rows.batch.column("row_id").to_pylist() == ["ok", "ok2"]
    (fault,) = rows.faults
    assert (fault.row_id, fault.line, fault.reason, fault.detail) == ("odd", 2, reason, detail)


@pytest.mark.parametrize(
    ("value", "text", "detail"),
    [
        ("1", "1", "'article' is a number (1)"),
        ("1.0", "1.0", "'article' is a number (1.0)"),
        ("true", "true", "'article' is a boolean (true)"),
    ],
)
def test_a_value_that_is_no_text_is_read_as_its_text_and_flagged(
    value: str, text: str, detail: str
) -> None:
    odd = f'{{"id": "odd", "article": {value}, "summary": "s"}}\n'.encode()
    rows = parse(OK + odd)
    assert rows.batch.column("article").to_pylist() == ["An article.", text]
    assert rows.remarks == {1: (("flagged", "read_as_text", detail),)}
    declared = parse(OK + odd, fields=FIELDS | {"article": {"path": "article", "type": "text"}})
    assert declared.batch.column("article").to_pylist() == ["An article.", text]
    assert declared.remarks == {}


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        ("0", "int", "0"), ('"0"', "int", "0"), ("2.0", "int", "2"), ('"-3"', "int", "-3"),
        ("1", "float", "1.0"), ('"1e3"', "float", "1000.0"),
        ("true", "bool", "true"), ('"False"', "bool", "false"),
    ],
)  # fmt: skip
def test_a_field_with_a_type_is_read_from_values_and_from_texts(
    value: str, type_: str, text: str
) -> None:
    line = f'{{"id": "a", "article": {value}, "summary": "s"}}\n'.encode()
    rows = parse(line, fields=FIELDS | {"article": {"path": "article", "type": type_}})
    assert rows.batch.column("article").to_pylist() == [text]
    assert (rows.faults, rows.remarks) == ([], {})


@pytest.mark.parametrize(
    ("value", "type_", "detail"),
    [
        ('" 1"', "int", "'article' is ' 1', not a whole number"),
        ("1.5", "int", "'article' is '1.5', not a whole number"),
        ("true", "int", "'article' is 'true', not a whole number"),
        ('"many"', "float", "'article' is 'many', not a number"),
        ("1", "bool", "'article' is '1', not true or false"),
        ("[1]", "int", "'article' is a list, not text"),
    ],
)
def test_a_value_of_another_type_is_a_fault_that_names_both(
    value: str, type_: str, detail: str
) -> None:
    line = f'{{"id": "a", "article": {value}, "summary": "s"}}\n'.encode()
    rows = parse(line, fields=FIELDS | {"article": {"path": "article", "type": type_}})
    assert [(f.reason, f.detail) for f in rows.faults] == [("wrong_type", detail)]


def test_an_optional_field_with_a_type_may_be_missing() -> None:
    rule = {"path": "article", "type": "int", "optional": True}
    lines = b'{"summary": "s"}\n{"article": "  ", "summary": "t"}\n{"article": 0, "summary": "u"}\n'
    rows = parse(lines, fields=FIELDS | {"article": rule}, id_path=None)
    assert rows.batch.column("article").to_pylist() == ["", "", "0"]


def test_a_prefix_is_taken_off_before_the_type_is_looked_at() -> None:
    rule = {"path": "article", "type": "int", "strip_prefix": ["Label: "]}
    rows = parse(b'{"article": "Label: 3", "summary": "s"}\n', fields=FIELDS | {"article": rule})
    assert rows.batch.column("article").to_pylist() == ["3"]


def test_a_field_that_is_not_there_is_a_fault_of_its_row() -> None:
    rows = parse(OK + b'{"id": "odd", "article": "a"}\n')
    assert [(f.row_id, f.line, f.reason) for f in rows.faults] == [("odd", 2, "missing_field")]
    assert "'summary'" in rows.faults[0].detail


def test_a_pair_of_surrogates_is_a_character() -> None:
    rows = parse(b'{"id": "a", "article": "\\ud83d\\ude00", "summary": "s"}\n')
    assert rows.batch.column("article").to_pylist() == ["😀"]


def test_a_nul_is_kept_where_the_spec_says_so() -> None:
    rows = parse(b'{"id": "a", "article": "a\\u0000b", "summary": "s"}\n', keep_nul=True)
    assert rows.batch.column("article").to_pylist() == ["a\0b"]
    assert rows.faults == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"id": "x", "article": "a", "article": "b", "summary": "s"}', "'article'"),
        (b'{"id": "x", "id": "y", "article": "b", "summary": "s"}', "'id'"),
        (b'{"id": "x", "article": "a\xffb", "summary": "s"}', "0xff"),
        (b'{"id": "x", "article": "a\xed\xa0\x80b", "summary": "s"}', "0xed"),
        (b'{"id": "x", "article": "a", "summary": "cut of', "the text that begins with"),
        (b'[{"id": "x", "article": "a", "summary": "s"}]', "not a list"),
        (b'"text"', "not a string"),
        (b"null", "not null"),
        (b"3", "not a number"),
        (b"{", "it ends before the row does"),
        (b"\xef\xbb\xbf{}", "one complete JSON object"),
        (b'{"id": "x", "article": "raw \t tab", "summary": "s"}', "U+0009"),
        (b'{"id": "x", "article": ' + b"[" * 99_999 + b"]" * 99_999 + b"}", ""),
    ],
)
def test_a_line_that_is_no_row_is_an_error_with_its_line(line: bytes, message: str) -> None:
    with pytest.raises(GoldenSetError) as caught:
        parse(OK + line + b"\n" + OK)
    assert str(caught.value).startswith("rows.jsonl:2: ")
    assert message in str(caught.value)
    assert str(caught.value).split("\n")[1].endswith(".")


def test_blank_lines_are_no_rows_but_count_as_lines() -> None:
    rows = parse(OK + b"\n  \r\n" + OK.replace(b"ok", b"b").replace(b"\n", b"\r\n"))
    assert rows.batch.column("row_id").to_pylist() == ["ok", "b"]
    assert rows.line.tolist() == [1, 4]


def test_a_file_of_blank_lines_has_no_rows() -> None:
    assert parse(b"\n\n \n").batch.num_rows == 0


@pytest.mark.parametrize(
    ("article", "path"),
    [
        ('{"text": ["a", "b"]}', "article.text[0]"),
        ('{"text": ["b", "a"]}', "article.text[-1]"),
        ('[{"de": "a"}]', "article[0].de"),
    ],
)
def test_a_field_may_be_read_from_inside_a_value(article: str, path: str) -> None:
    content = f'{{"id": "1", "article": {article}, "summary": "s"}}\n'.encode()
    rows = parse(content, fields=FIELDS | {"article": path})
    assert rows.batch.column("article").to_pylist() == ["a"]


def test_a_key_given_twice_inside_a_path_is_an_error() -> None:
    content = b'{"id": "1", "article": {"de": "a", "de": "b"}, "summary": "s"}\n'
    with pytest.raises(GoldenSetError, match=r"^rows.jsonl:1: the key 'de'"):
        parse(content, fields=FIELDS | {"article": "article.de"})


def test_a_path_that_leads_nowhere_in_one_row_is_a_fault_of_that_row() -> None:
    content = b'{"id": "1", "article": {"text": []}, "summary": "s"}\n'
    (fault,) = parse(content, fields=FIELDS | {"article": "article.text[0]"}).faults
    assert (fault.row_id, fault.reason) == ("1", "missing_field")


def test_ids_may_be_integers_of_any_size() -> None:
    ids = [7, -1, 0, 2**63, 10**30]
    lines = [json.dumps({"id": i, "article": "a", "summary": "s"}) + "\n" for i in ids]
    for numbers in (lines, lines[:3]):  # the second fits the native parser
        rows = parse("".join(numbers).encode())
        assert rows.batch.column("row_id").to_pylist() == [str(i) for i in ids[: len(numbers)]]


@pytest.mark.parametrize("value", ["1.5", "true", '["a"]', '{"a": 1}'])
def test_an_id_of_another_type_is_a_fault(value: str) -> None:
    rows = parse(OK + f'{{"id": {value}, "article": "a", "summary": "s"}}\n'.encode())
    assert [(fault.line, fault.reason) for fault in rows.faults] == [(2, "wrong_type")]
    assert "'id'" in rows.faults[0].detail


@pytest.mark.parametrize(
    ("value", "row_id"),
    [
        ("1.0", "1"),
        ("-0.0", "0"),
        ('{"$oid": "00ff"}', "00ff"),
        ('"0b5c6e7a-2f1d-4c3b-9a8e-7d6c5b4a3f2e"', "0b5c6e7a-2f1d-4c3b-9a8e-7d6c5b4a3f2e"),
    ],
)
def test_whole_numbers_and_object_ids_are_ids(value: str, row_id: str) -> None:
    rows = parse(f'{{"id": {value}, "article": "a", "summary": "s"}}\n'.encode())
    assert rows.batch.column("row_id").to_pylist() == [row_id]
    assert rows.remarks == {}


@pytest.mark.parametrize("given", ['"id": null, ', ""])
@pytest.mark.parametrize("required", [True, False])
def test_a_row_without_an_id_is_flagged_where_the_spec_says_there_is_one(
    given: str, required: bool
) -> None:
    rows = parse(
        OK + f'{{{given}"article": "a", "summary": "s"}}\n'.encode(),
        required=frozenset({"id"} if required else ()),
    )
    assert [len(row_id) for row_id in rows.batch.column("row_id").to_pylist()] == [2, 32]
    flagged = {1: (("flagged", "empty_id", "the id is missing"),)}
    assert rows.remarks == (flagged if required else {})


@pytest.mark.parametrize("given", ["", '"id": null, ', '"id": "", '])
def test_a_row_without_an_id_gets_one_made_of_its_fields(given: str) -> None:
    line = f'{{{given}"article": "a", "summary": "s", "unread": 1}}\n'.encode()
    rows = parse(line)
    other_order = parse(b'{"summary": "s", "article": "a"}\n', id_path=None)
    assert rows.batch.column("row_id").to_pylist() == other_order.batch["row_id"].to_pylist()
    details = [detail for remarks in rows.remarks.values() for _, _, detail in remarks]
    assert details == (["the id is empty"] if '""' in given else [])
    assert len(rows.batch.column("row_id")[0].as_py()) == 32


def test_a_prefix_keeps_the_ids_of_files_apart() -> None:
    content = b'{"id": 7, "article": "a", "summary": "s"}\n{"article": "b", "summary": "s"}\n'
    Path("folder").mkdir()
    for option, prefix in (("file", "news"), ("mine", "mine")):
        given, named = parse(content, "folder/news.v2.jsonl", id_prefix=option).batch["row_id"]
        assert given.as_py() == f"{prefix}/7"
        assert len(named.as_py()) == 32  # of its content, wherever it stands


def test_an_unusable_row_without_an_id_has_none_until_its_place_is_known() -> None:
    content = b'{"id": "x", "article": ""}\n{"article": ""}\n{"id": "", "article": "a"}\n'
    faults = parse(content).faults
    assert [(fault.row_id, fault.line) for fault in faults] == [("x", 1), ("", 2), ("", 3)]


def test_content_ids_keep_fields_apart() -> None:
    rows = parse(
        b'{"article": "ab", "summary": "c"}\n'
        b'{"article": "a", "summary": "bc"}\n'
        b'{"article": "a1:", "summary": "b"}\n'
        b'{"article": "a", "summary": "1:b"}\n'
        b'{"article": "c", "summary": "ab"}\n'
    )
    assert len(set(rows.batch.column("row_id").to_pylist())) == 5


def test_the_group_decides_the_split_in_place_of_the_id() -> None:
    rows = parse(
        b'{"id": "1", "article": "a", "summary": "s", "by": {"name": "x"}}\n'
        b'{"id": "2", "article": "b", "summary": "s", "by": {"name": "x"}}\n'
        b'{"id": "3", "article": "c", "summary": "s", "by": {"name": 5}}\n',
        group="by.name",
    )
    first, second, third = rows.group_hashes.tolist()
    assert first == second != third
    assert rows.hashes.tolist()[0] != first


def test_tables_give_the_same_rows_as_json() -> None:
    csv = parse(b"id,article,summary\nok,An article.,A summary.\n", "rows.csv")
    assert csv.batch.to_pylist() == parse(OK).batch.to_pylist()
    assert csv.line.tolist() == [2]


def test_nulls_and_lists_in_tables_are_faults_of_their_rows() -> None:
    import pyarrow.parquet as pq

    table = pa.table({"id": [1, 2], "article": ["a", None], "summary": [["s"], ["s"]]})
    pq.write_table(table, "t.parquet")
    rows = parse(Path("t.parquet").read_bytes(), "rows.parquet")
    assert [(f.row_id, f.line, f.reason) for f in rows.faults] == [
        ("1", 1, "wrong_type"),
        ("2", 2, "wrong_type"),
    ]
    nested = parse(
        Path("t.parquet").read_bytes(), "rows.parquet", fields=FIELDS | {"summary": "summary[0]"}
    )
    assert nested.batch.to_pylist() == [{"row_id": "1", "article": "a", "summary": "s"}]
    assert [(f.row_id, f.line, f.reason) for f in nested.faults] == [("2", 2, "missing_field")]


def test_a_column_that_is_not_there_is_an_error_with_columns_and_a_suggestion() -> None:
    Path("news.jsonl").write_bytes(b'{"id": 1, "artikel": "a", "highlights": "s"}\n')
    sources = resolve_sources(["news.jsonl"])
    chunks = next(read_chunks(sources[0], 0))
    with pytest.raises(GoldenSetError) as caught:
        RowReader(tuple(sources), rules(FIELDS), None, None, False).check_columns(chunks)
    assert str(caught.value) == (
        "The field 'article' is read from 'article' and the field 'summary' is read from "
        "'summary'; news.jsonl has: artikel, highlights, id.\n"
        "Map them, for example: --map article=artikel --map summary=highlights\n"
        "Did you mean 'artikel'? Did you mean 'highlights'?"
    )


def test_nesting_too_deep_to_read_is_no_crash_of_the_column_check() -> None:
    deep = b'{"article": "a", "summary": "s", "z": ' + b"[" * 99_999 + b"]" * 99_999 + b"}\n"
    Path("deep.jsonl").write_bytes(deep)
    sources: list[Source] = resolve_sources(["deep.jsonl"])
    reader = RowReader(tuple(sources), {}, None, None, False)
    reader.check_columns(next(read_chunks(sources[0], 0)))


@pytest.mark.parametrize("content", [b"null\n", b"null\n" + OK, b"\nnull\n", b"null null\n"])
def test_a_null_in_the_place_of_the_first_row_is_an_error(content: bytes) -> None:
    # Arrow's reader ends the process.
    with pytest.raises(GoldenSetError, match=r"rows\.jsonl:[12]: .*null"):
        parse(content)


# --- the two parsers agree ---------------------------------------------------------------------

TEXT = st.text(max_size=12)
SURROGATES = st.text(st.characters(categories=["Cs", "Lu", "Zs"]), max_size=4)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.lists(TEXT, max_size=2), SURROGATES,
    st.dictionaries(TEXT, TEXT, max_size=2), st.sampled_from(["", " ", "\0", "\x0b", "\u3000"]),
)  # fmt: skip


@st.composite
def json_lines(draw: st.DrawFn) -> bytes:
    """A few rows as JSON lines, nearly all of plain text, in some way of writing them."""
    value = draw(st.sampled_from([TEXT, st.one_of(TEXT, TEXT, TEXT, ODD)]))
    row_id = draw(st.sampled_from([TEXT, st.integers(), st.one_of(TEXT, st.integers(), ODD)]))
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        x = draw(value)
        row = {"id": draw(row_id), "article": draw(value), "summary": draw(value)}
        row |= {"x": x, "nested": {"x": x}} | draw(
            st.dictionaries(st.sampled_from(["unread", "ключ", "a b"]), st.one_of(TEXT, ODD))
        )
        dropped = draw(st.sampled_from([None, None, None, None, "id", "article"]))
        row.pop(dropped, None)
        ascii_only = draw(st.booleans()) or any(0xD800 <= ord(c) < 0xE000 for c in str(row))
        text = json.dumps(row, ensure_ascii=ascii_only, separators=draw(
            st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :  ")])
        ))  # fmt: skip
        if any(0xD800 <= ord(c) < 0xE000 for c in text):
            text = json.dumps(row)
        lines.append(
            text.encode() + draw(st.sampled_from([b"\n", b"\n", b"\r\n", b" \n", b"\n\n"]))
        )
    return b"".join(lines)


@settings(deadline=None, max_examples=150)
@given(content=json_lines())
def test_both_parsers_give_the_same_rows(content: bytes) -> None:
    native, explaining = through_both(content)
    assert native == explaining


ROW = b'{"id": "1", "article": "a", "summary": "s", "x": "x", "nested": {"x": "x"}}'
LAST = ROW.replace(b'"1"', b'"2"')
BROKEN = ROW.replace(b', "article"', b',\n"article"')


@pytest.mark.parametrize(
    "content",
    [
        ROW + b"\n" + LAST + b" \r\n",
        ROW + b"\n" + LAST[:-1] + b', "z": 01}\n',
        ROW + b"\n" + LAST[:-1] + b', "z": NaN}\n',
        ROW + b"\n" + LAST[:-1] + b', "z": -Infinity}\n',
        ROW + b"\n" + LAST[:-1] + b', "z": 1e999}\n',
        ROW + b"\n" + LAST[:-1] + b', "z": "\\x"}\n',
        ROW + b"\n" + LAST[:-1] + b', "z": "\xff"}\n',
        ROW + b"\n" + LAST[:-1] + b', "\xff": "z"}\n',
        ROW + b"\n" + LAST[:-1] + b",}\n",
        ROW + b"\n" + LAST[:-1] + b', "z": 1, "z": 2}\n',
        ROW + b"\n" + LAST[:-1] + b', "\\u0061rticle": "b"}\n',
        ROW + b"\n" + LAST[:-1] + b', "z": ' + b"1" * 5000 + b"}\n",
        ROW + b"\n" + LAST[:-1] + b', "z": "\\ud800"}\n',
        ROW + b"\n" + LAST + b" // comment\n",
        ROW + b"\n" + LAST + b"\0\0\0\n",
        ROW + b"\n" + LAST + b"\0 anything at all\n",
        ROW + LAST + b"\n\n",
        ROW + LAST + b"\n",
        BROKEN + LAST + b"\n",
        ROW + b"\nnull\n",
        ROW + b"\r" + LAST + b"\r",
        b"\xef\xbb\xbf" + ROW + b"\n\xef\xbb\xbf" + LAST + b"\n",
    ],
)
def test_both_parsers_take_and_refuse_the_same_lines(content: bytes) -> None:
    native, explaining = through_both(content)
    assert native == explaining


def test_a_row_is_one_line() -> None:
    with pytest.raises(GoldenSetError, match=r"^rows\.jsonl:2: the line is cut"):
        parse(ROW + b"\n" + BROKEN + b"\n")


def test_files_joined_without_a_line_end_lose_no_row() -> None:
    rows = parse(ROW + b"\n" + ROW + LAST + b"\n\n")
    assert rows.line.tolist() == [1, 2, 2]


# --- conversations -----------------------------------------------------------------------------

TALK = b'[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "%b"}]'


def parse_talks(content: bytes, *, keep_nul: bool = False, **options: Any) -> Rows:
    Path("talks.jsonl").write_bytes(content)
    sources = tuple(resolve_sources(["talks.jsonl"]))
    reader = RowReader(
        sources,
        rules({"messages": {"first": ["messages", "conversations"]}}),
        "id",
        None,
        keep_nul,
        beside=rules({"system": "system", "completion": "completion"}),
        **options,
    )
    chunks = [chunk for piece in read_chunks(sources[0], 0) for chunk in piece]
    reader.check_columns(chunks)
    return reader.parse(chunks)


def test_what_is_mapped_beside_a_conversation_has_a_column() -> None:
    line = b'{"id": "a", "messages": %b}\n' % (TALK % b"Hello")
    assert len(parse_talks(line).line) == 1
    with pytest.raises(GoldenSetError, match="The field 'system' is read from 'system'"):
        parse_talks(line, required=frozenset({"system"}))


def test_a_batch_of_conversations_has_one_column_of_them() -> None:
    rows = parse_talks(b'{"id": "a", "conversations": %b, "system": "S"}\n' % (TALK % b"Hello"))
    assert rows.batch.to_pylist() == [
        {"row_id": "a", "messages": '[["system","S"],["user","Hi"],["assistant","Hello"]]'}
    ]


def test_a_completion_stands_for_messages() -> None:
    row = b'{"id": "a", "prompt": [], "completion": %b}\n' % (TALK % b"Hello")
    assert parse_talks(row).batch["messages"].to_pylist() == [
        '[["user","Hi"],["assistant","Hello"]]'
    ]
    with pytest.raises(GoldenSetError, match="The field 'messages' is read from 'messages'"):
        parse_talks(b'{"id": "a", "turns": []}\n')


@pytest.mark.parametrize("content", [b"\\u0000", b"\\\\\\u0000", b"x\\\\\\\\\\u0000y"])
def test_a_nul_in_a_conversation_is_found(content: bytes) -> None:
    row = b'{"id": "a", "messages": %b}\n' % (TALK % content)
    assert [fault.reason for fault in parse_talks(row).faults] == ["nul_character"]
    assert parse_talks(row, keep_nul=True).faults == []


def test_a_text_about_a_nul_is_none() -> None:
    row = b'{"id": "a", "messages": %b}\n' % (TALK % b"the escape \\\\u0000 is a NUL")
    assert parse_talks(row).faults == []


def test_repairs_stay_with_their_rows() -> None:
    ends_with_user = (TALK % b"Hello")[:-1] + b', {"role": "user", "content": "Hm"}]'
    rows = parse_talks(
        b'{"id": "a", "messages": []}\n{"id": "b", "messages": %b}\n{"id": "c", "messages": %b}\n'
        % (TALK % b"Hello", ends_with_user),
        conversations=ConversationReader(Repairs(drop_trailing_user=True)),
    )
    assert [fault.row_id for fault in rows.faults] == ["a"]
    repair = ("cut", "trailing_user", "1 turn after the last answer left out")
    assert rows.remarks == {1: (repair,)}
    assert rows.take(np.array([1, 0])).remarks == {0: (repair,)}
