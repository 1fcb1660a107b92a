"""A line that is not JSON: the message names the real fault."""

from __future__ import annotations

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.json.lines import parse_line


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("// a comment", "a comment: '// a comment'"),
        ("# note", "a comment: '# note'"),
        ('{"a": 1} // why', "a comment: '// why'"),
        ('{"a": 1},', "a comma stands at the end of the line"),
        ('{"a": 1}]', "] stands at the end of the line"),
        ('[{"a": 1},', "first row of a JSON array that is cut into lines"),
        ("{'a': 1}", "written as Python prints it, with single quotes: ''a': 1}'"),
        ('{"it\'s": True}', "written as Python prints it"),
        ('{"a": None}', "written as Python prints it"),
        ('{"a": "x', "it ends inside the text that begins with '\"x'"),
        ('{"a": ', "it ends before the row does"),
        ("{", "it ends before the row does"),
        ('{"a": 1,}', "a comma stands before }, at column 8"),
        ('{"a": "x\ty"}', r"a text holds the character U\+0009 at column 9"),
        ('{"a": "\\x"}', r"not JSON at column 8, '\\x\"}': Invalid \\escape"),
        ("{a: 1}", "not JSON at column 2, 'a: 1}'"),
        ("version 1", "not JSON at column 1, 'version 1'"),
    ],
)
def test_the_fault_is_named(line: str, message: str) -> None:
    with pytest.raises(GoldenSetError, match=f"^rows.jsonl:3: .*{message}"):
        parse_line(line.encode(), "rows.jsonl:3")


def test_a_line_may_hold_several_objects() -> None:
    assert parse_line(b' {"a": 1}{"a": 2} {"a": 3}\r', "rows.jsonl:1") == [
        {"a": 1},
        {"a": 2},
        {"a": 3},
    ]
