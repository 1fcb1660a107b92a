"""Parsing: values at paths become columns of text; a value that is not text is a fault of its row.

`test_rows.py` compares the two JSON parsers with each other.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.chunks import read_chunks
from sftdata.reading.collect import GROUP, ID, WHERE, Parsed
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.parsing import parse_chunks
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.spec.fields import MESSAGES


def parse(
    content: bytes | pa.Table,
    columns: dict[str, str],
    conversations: ConversationReader = ConversationReader(),  # noqa: B008 - it is frozen
) -> Parsed:
    """The columns of a file with this content, all its chunks at once."""
    if isinstance(content, bytes):
        name = "rows.jsonl"
        Path(name).write_bytes(content)
    else:
        name = "rows.parquet"
        pq.write_table(content, name)
    (source,) = resolve_sources([name])
    chunks = [chunk for piece in read_chunks(source, 0) for chunk in piece]
    return parse_chunks(chunks, columns, source, conversations)


def values(parsed: Parsed) -> dict[str, list[str | None]]:
    return {name: column.to_pylist() for name, column in parsed.columns.items()}


def test_a_column_holds_the_values_at_its_path() -> None:
    parsed = parse(
        b'{"a": "x", "in": {"b": ["p", "q"]}}\n\n{"a": "y", "in": {"b": ["r"]}}\n',
        {"first": "a", "second": "in.b[1]"},
    )
    assert values(parsed) == {"first": ["x", "y"], "second": ["q", None]}
    assert parsed.line.tolist() == [1, 3]  # the blank line counts
    assert parsed.faults == {}


def test_a_table_gives_the_same_columns_as_json() -> None:
    rows = [{"a": "x", "in": {"b": ["p", "q"]}}, {"a": None, "in": {"b": ["r"]}}]
    columns = {"first": "a", "second": "in.b[0]", "third": "in.c", "fourth": "d"}
    lines = b'{"a": "x", "in": {"b": ["p", "q"]}}\n{"a": null, "in": {"b": ["r"]}}\n'
    table = pa.Table.from_pylist(rows)
    assert values(parse(table, columns)) == values(parse(lines, columns)) == {
        "first": ["x", None],
        "second": ["p", "r"],
        "third": [None, None],
        "fourth": [None, None],
    }  # fmt: skip


def test_a_name_with_dots_is_read_in_quotation_marks() -> None:
    rows = [{"a.b": "x", "a": {"b": "y"}}]
    columns = {"quoted": '"a.b"', "steps": "a.b"}
    lines = b'{"a.b": "x", "a": {"b": "y"}}\n'
    assert values(parse(pa.Table.from_pylist(rows), columns)) == {"quoted": ["x"], "steps": ["y"]}
    assert values(parse(lines, columns)) == {"quoted": ["x"], "steps": ["y"]}
    assert values(parse(lines, {"quoted": '"a.b"'})) == {"quoted": ["x"]}


def test_each_item_of_a_list_is_a_row_of_the_group_of_its_source_row() -> None:
    parsed = parse(
        b'{"id": "a", "text": "T", "qa": [{"q": "1"}, {"q": "2"}]}\n'
        b'{"id": "b", "text": "U", "qa": [{"q": "3"}]}\n',
        {"context": "text", "question": "qa[].q", ID: "id"},
    )
    found = values(parsed)
    groups = found.pop(GROUP)
    assert found == {
        "context": ["T", "T", "U"],
        "question": ["1", "2", "3"],
        ID: ["a#0", "a#1", "b#0"],
    }
    assert groups[0] == groups[1] != groups[2]
    assert parsed.line.tolist() == [1, 1, 2]


def test_items_of_a_source_row_without_a_group_stay_together() -> None:
    parsed = parse(
        b'{"g": "G", "qa": [{"q": "1"}]}\n{"qa": [{"q": "2"}, {"q": "3"}]}\n',
        {"question": "qa[].q", GROUP: "g"},
    )
    groups = values(parsed)[GROUP]
    assert groups[0] == "G"
    assert groups[1] == groups[2] not in (None, "G")


def test_a_value_that_is_no_text_is_read_as_its_text_and_named() -> None:
    parsed = parse(
        b'{"n": 7, "ok": true, "x": 0.5}\n',
        {ID: "n", f"{WHERE}ok": "ok", f"{WHERE}x": "x", "field": "n"},
    )
    assert values(parsed) == {
        ID: ["7"],
        f"{WHERE}ok": ["true"],
        f"{WHERE}x": ["0.5"],
        "field": ["7"],
    }
    assert parsed.faults == {}
    assert parsed.as_text == {"field": {0: "a number (7)"}}


def test_both_json_parsers_name_the_same_values() -> None:
    lines = b'{"a": 7, "in": {"b": 7}}\n{"a": null, "in": {}}\n{"a": -0, "in": {"b": -0}}\n'
    native, explaining = parse(lines, {"x": "a"}), parse(lines, {"x": "in.b"})
    assert values(native) == values(explaining) == {"x": ["7", None, "0"]}
    assert native.as_text == explaining.as_text == {"x": {0: "a number (7)", 2: "a number (0)"}}


def test_a_table_names_no_single_values() -> None:
    parsed = parse(pa.table({"a": [1.0, 0.5]}), {"x": "a"})
    assert (values(parsed), parsed.as_text) == ({"x": ["1.0", "0.5"]}, {})


def test_a_row_has_the_fault_of_its_first_faulty_column() -> None:
    parsed = parse(b'{"a": [], "b": "\\ud800"}\n{"a": "x", "b": "\\ud800"}\n', {"a": "a", "b": "b"})
    assert values(parsed) == {"a": ["", "x"], "b": ["?", "?"]}
    assert parsed.faults == {
        0: ("wrong_type", "'a' is a list, not text"),
        1: ("lone_surrogate", "'b' holds a lone surrogate (U+D800)"),
    }


def test_a_conversation_is_one_text_and_a_faulty_one_is_a_fault() -> None:
    turns = b'[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]'
    parsed = parse(b'{"m": %b}\n{"m": "Hi"}\n' % turns, {MESSAGES: "m"})
    assert values(parsed) == {MESSAGES: ['[["user","Hi"],["assistant","Hello"]]', ""]}
    assert parsed.faults.keys() == {1}
    assert parsed.faults[1][0] == "bad_messages"


def test_a_row_may_be_the_list_of_its_turns() -> None:
    turns = b'[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]'
    parsed = parse(b"%b\n" % turns, {MESSAGES: "m"})
    assert values(parsed) == {MESSAGES: ['[["user","Hi"],["assistant","Hello"]]']}


def test_the_fields_of_a_conversation_become_one_column() -> None:
    turns = b'[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]'
    columns = {MESSAGES: "m", f"{MESSAGES}\0001": "n", "system": "s", ID: "id"}
    parsed = parse(b'{"id": 7, "n": %b, "s": "Be kind."}\n' % turns, columns)
    assert values(parsed) == {
        ID: ["7"],
        MESSAGES: ['[["system","Be kind."],["user","Hi"],["assistant","Hello"]]'],
    }


def test_unrolled_conversations_are_rows_of_one_group() -> None:
    turn = b'{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}'
    data = b'{"id": "a", "m": [%b, %b]}\n{"id": "b", "m": []}\n' % (turn, turn)
    parsed = parse(data, {MESSAGES: "m", ID: "id"}, ConversationReader(unroll=True))
    found = values(parsed)
    assert found[ID] == ["a#2", "a#4", "b"]
    first, second, other = found[GROUP]
    assert first == second != other
    assert parsed.line.tolist() == [1, 1, 2]
    assert parsed.faults == {2: ("no_turns", "'messages' has no turns")}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": "x"', "rows.jsonl:2: the line is cut: it ends before the row does"),
        (
            b'{"a": "\xff"}',
            "rows.jsonl:2: byte 0xff ('ÿ' in Windows-1252) at position 8",
        ),
        (b"[1]", "rows.jsonl:2: a JSON object is expected, not a list"),
        (b'{"a": "x", "a": "y"}', "rows.jsonl:2: the key 'a' stands in the object more than once"),
    ],
)
def test_a_line_that_is_no_row_is_an_error_with_its_place(line: bytes, message: str) -> None:
    with pytest.raises(GoldenSetError) as error:
        parse(b'{"a": "x"}\n' + line + b"\n", {"a": "a"})
    assert str(error.value).startswith(message)
