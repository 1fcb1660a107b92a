"""Columns of tables that are no text: found in the schema, and named in one note."""

from __future__ import annotations

import datetime

import pyarrow as pa

from sftdata.reading.tables.types import describe_columns_as_text, find_columns_as_text
from sftdata.spec.fields import FieldRule

BATCH = pa.record_batch(
    {
        "n": pa.array([None, 7]),
        "x": pa.array([0.5, 1.0]),
        "day": pa.array([datetime.date(2026, 1, 31)] * 2),
        "text": pa.array(["a", "b"]),
        "deep": pa.array([{"items": [1, 2], "name": "a"}] * 2),
        "none": pa.array([None, None], pa.int64()),
        "list": pa.array([["a"], ["b"]]),
    }
)


def found(**paths: str) -> dict[str, tuple[str, str]]:
    fields = {name: FieldRule(path=path) for name, path in paths.items()}
    return find_columns_as_text(BATCH, fields)


def test_numbers_and_dates_are_found_with_an_example() -> None:
    assert found(a="n", b="x", c="day", d="none", e="deep.items[1]", f="deep.items[]") == {
        "a": ("int64", "7"),
        "b": ("double", "0.5"),
        "c": ("date32[day]", "2026-01-31"),
        "d": ("int64", ""),
        "e": ("int64", "2"),
        "f": ("int64", "1"),
    }


def test_text_lists_and_what_is_not_there_are_not() -> None:
    assert found(a="text", b="deep.name", c="list", d="no", e="deep.no", f="text.no") == {}


def test_a_field_with_a_type_is_not() -> None:
    assert find_columns_as_text(BATCH, {"a": FieldRule(path="n", type="int")}) == {}


def test_one_note_names_all_of_them() -> None:
    sources = {f"{n}.parquet": {"label": ("int64", "7")} for n in "abc"}
    assert describe_columns_as_text(sources | {"d.parquet": {"day": ("date32[day]", "")}}) == (
        "Read as text: 'label' of a.parquet and 2 more is a column of int64, for example '7'.\n"
        "Read as text: 'day' of d.parquet is a column of date32[day].\n"
        'Say what is meant in [fields]: label = { path = "…", type = "text" }'
    )
    assert describe_columns_as_text({"a.parquet": {}}) is None
