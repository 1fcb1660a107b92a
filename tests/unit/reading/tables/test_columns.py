"""Columns: plain values of every type, and no failure for those that Python cannot hold."""

from __future__ import annotations

import math
import uuid
from typing import Any

import pyarrow as pa
import pytest

from sftdata.reading.tables.columns import Unreadable, exact_values, plain_column, python_values

A, B = uuid.UUID(int=1), uuid.UUID(int=2)
PLACES = pa.array(range(5), pa.int32())
ENDS = pa.array(range(1, 6), pa.int32())
TEXTS = ["a", None, "", "日本", "a"]
FAR = 2**60  # milliseconds after 1970, or seconds: no date of Python's


@pytest.mark.parametrize(
    "column",
    [
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
        pa.array(TEXTS, pa.large_string()).dictionary_encode(),
        pa.DictionaryArray.from_arrays(PLACES, pa.array(TEXTS, pa.string_view())),
        pa.RunEndEncodedArray.from_arrays(ENDS, pa.array(TEXTS)),
        pa.RunEndEncodedArray.from_arrays(ENDS, pa.array(TEXTS, pa.string_view())),
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(TEXTS)),
    ],
    ids=lambda column: str(column.type),
)
def test_texts_of_any_type_are_the_same_texts(column: pa.Array) -> None:
    plain = plain_column(column)
    assert plain.type in (pa.string(), pa.large_string())
    assert plain.to_pylist() == TEXTS
    assert plain_column(column.slice(1, 3)).to_pylist() == TEXTS[1:4]


def test_a_uuid_is_read_as_it_is_written() -> None:
    storage = pa.array([A.bytes, None, B.bytes], pa.binary(16))
    plain = plain_column(pa.ExtensionArray.from_storage(pa.uuid(), storage))
    assert plain.to_pylist() == [str(A), None, str(B)]


def duplicate_struct() -> pa.Array:
    return pa.StructArray.from_arrays([pa.array(["a"]), pa.array(["b"])], ["k", "k"])


OUT_OF_PYTHON = [
    pa.array([FAR, 0, None], pa.timestamp("ms")),
    pa.array([FAR, 0, None], pa.timestamp("ms", tz="Mars/Base")),
    pa.array([FAR, 0, None], pa.duration("s")),
    pa.array([2**31 - 1, 0, None], pa.date32()),
    pa.array([[FAR], [0], None], pa.list_(pa.timestamp("s"))),
    duplicate_struct(),
]


@pytest.mark.parametrize("column", OUT_OF_PYTHON, ids=lambda column: str(column.type))
def test_a_value_that_python_cannot_hold_is_named_with_its_type(column: pa.Array) -> None:
    assert python_values(column)[0] == Unreadable(str(column.type))


@pytest.mark.parametrize("column", OUT_OF_PYTHON, ids=lambda column: str(column.type))
def test_such_values_have_a_text_each_to_tell_them_apart(column: pa.Array) -> None:
    texts = exact_values(column)
    assert len(texts) == len(column) == len(set(texts))


@pytest.mark.parametrize("type_", [pa.binary(), pa.large_binary(), pa.binary_view()], ids=str)
def test_bytes_that_are_utf8_are_text(type_: pa.DataType) -> None:
    column = pa.array(["日本".encode(), b"\xff", None, b""], type_)
    assert python_values(column) == ["日本", b"\xff", None, ""]


NANOSECONDS = 86_400_000_000_000


@pytest.mark.parametrize(
    ("type_", "rest", "texts"),
    [
        (pa.timestamp("ns"), 0, ["1970-01-02T00:00:00"]),
        (pa.timestamp("ns"), 5000, ["1970-01-02T00:00:00.000005"]),
        (pa.timestamp("ns"), 7, ["1970-01-02T00:00:00.000000007"]),
        (pa.timestamp("ns"), -NANOSECONDS - 1, ["1969-12-31T23:59:59.999999999"]),
        (pa.timestamp("ns", tz="UTC"), 7, ["1970-01-02T00:00:00.000000007+00:00"]),
        (pa.time64("ns"), 7 - NANOSECONDS, ["00:00:00.000000007"]),
    ],
    ids=str,
)
def test_a_time_keeps_its_nanoseconds(type_: pa.DataType, rest: int, texts: list[str]) -> None:
    column = pa.array([NANOSECONDS + rest, None], type_)
    value, missing = python_values(column)
    assert [value if isinstance(value, str) else value.isoformat()] == texts
    assert type(value).__module__ in ("builtins", "datetime")  # whether pandas is there or not
    assert missing is None


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2, None], pa.timestamp("ns")),
        pa.array([1, 2, None], pa.duration("ns")),
        pa.array([[1], [2], None], pa.list_(pa.timestamp("ns", tz="UTC"))),
    ],
    ids=lambda column: str(column.type),
)
def test_the_texts_that_tell_nanoseconds_apart_are_not_those_of_pandas(column: pa.Array) -> None:
    texts = exact_values(column)
    assert len(set(texts)) == 3
    assert not any("Time" in text for text in texts)


def test_long_lists_are_told_apart_in_their_middle() -> None:
    def dates(middle: int) -> Any:
        return pa.array([[FAR] * 20 + [middle] + [FAR] * 20], pa.list_(pa.timestamp("s")))

    assert exact_values(dates(1)) != exact_values(dates(2))


@pytest.mark.parametrize("bits", [pa.float32(), pa.float16()])
def test_a_short_float_is_the_shortest_number_that_stands_for_it(bits: pa.DataType) -> None:
    given = [0.1, 3.14, None, 2048.0, -2.5, math.inf]
    floats = pa.array(given, bits)
    assert python_values(floats) == given
    lists = pa.array([[x] for x in given], pa.list_(bits))
    nested = pa.StructArray.from_arrays([floats, lists], "ab")
    assert python_values(nested) == [{"a": x, "b": [x]} for x in given]
    assert python_values(pa.array([16777219.0], pa.float32())) == [16777220.0]
