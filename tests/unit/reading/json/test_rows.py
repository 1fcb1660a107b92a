"""Rows cut out of JSON by its brackets: as the parser sees them, wherever blocks end."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.errors import GoldenSetError
from sftdata.reading.json.outline import Member, outline_object
from sftdata.reading.json.rows import rows_of_list, rows_of_values

TEXTS = st.text('\\"\n\r{}[],: aé\u2028\0', max_size=8)
VALUES = st.recursive(
    TEXTS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=5)


class Trickle(io.BytesIO):
    """Gives few bytes at a time, so blocks end everywhere."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def readinto(self, buffer: Any) -> int:
        return super().readinto(memoryview(buffer)[: self._size])


def parsed(cut: Callable[..., Iterator[bytes]], text: str, size: int) -> list[object]:
    lines = b"".join(cut("rows.json", Trickle(text.encode(), size)))
    return [json.loads(line) for line in lines.split(b"\n")[:-1]]


@given(ROWS, st.integers(1, 9), st.sampled_from([None, 0, 2]), st.booleans(), st.booleans())
def test_a_list_gives_its_rows(
    rows: list[Any], size: int, indent: int | None, is_ascii: bool, has_returns: bool
) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=is_ascii)
    text = text.replace("\n", "\r\n") if has_returns else text
    assert parsed(rows_of_list, text, size) == rows


@given(ROWS, st.integers(1, 9), st.sampled_from(["", "\n", "\r", " \r\n "]))
def test_values_one_after_another_are_the_rows(rows: list[Any], size: int, between: str) -> None:
    assert parsed(rows_of_values, between.join(map(json.dumps, rows)), size) == rows


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_counted_wherever_blocks_end(size: int) -> None:
    text = b'[\r\n{"a": 1},\r\n{"a": 2}\r\n{"a": 3}]'
    with pytest.raises(GoldenSetError, match=r"line [34]: after row 2 a comma is missing"):
        list(rows_of_list("rows.json", Trickle(text, size)))


@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.integers(1, 9), st.sampled_from([None, 1]))
def test_the_outline_has_every_member(value: Any, size: int, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    found = outline_object(Trickle(text.encode() + b"\n {", size))
    assert found is not None
    assert [member.key for member in found.members] == list(value)
    assert found.is_on_one_line == ("\n" not in text)
    assert (found.follows, found.follows_on_new_line) == (b"{", True)
    for member in found.members:
        expected = value[member.key]
        if isinstance(expected, (list, dict)):
            assert member.kind == ("list" if isinstance(expected, list) else "object")
            assert json.JSONDecoder().raw_decode(text, member.start)[0] == expected
            assert len(expected) in (0, member.items)


def test_an_outline_in_pictures() -> None:
    #        0         1         2         3
    #        0123456789012345678901234567890123456
    text = b'{"n": 1, "data": [{"a": [1, 2]}, {}]}'
    found = outline_object(io.BytesIO(text))
    assert found is not None
    assert found.members == [Member("n"), Member("data", "list", 17, 2, "object")]
    assert outline_object(io.BytesIO(text[:-1])) is None
