"""JSON files of columns: the rows that pandas would read, or one error."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.json.columns import rows_of_columns


def rows(table: Any) -> list[Any]:
    lines = b"".join(rows_of_columns("a.json", io.BytesIO(json.dumps(table).encode())))
    return [json.loads(line) for line in lines.splitlines() if line]


def split(columns: Any, data: Any) -> dict[str, Any]:
    return {"columns": columns, "index": [0], "data": data}


@pytest.mark.parametrize(
    "table",
    [
        {"a": ["x", "y"], "b": [1, None]},
        {"a": {"0": "x", "1": "y"}, "b": {"0": 1, "1": None}},
        {"0": {"a": "x", "b": 1}, "1": {"a": "y", "b": None}},
        split(["a", "b"], [["x", 1], ["y", None]]),
    ],
)
def test_columns_are_read_as_rows(table: Any) -> None:
    assert rows(table) == [{"a": "x", "b": 1}, {"a": "y", "b": None}]


def test_columns_without_names_are_named_by_their_numbers() -> None:
    assert rows(split([0, 1], [["x", 1]])) == [{"0": "x", "1": 1}]


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (split(["a"], [["x", 1]]), "row 1 of 'data' is not a list of 1 values"),
        (split(["a"], [["x"], "y"]), "row 2 of 'data' is not a list of 1 values"),
        (split(["a", "a"], [["x", 1]]), "two columns have the name 'a'"),
        (split([["a"]], [["x"]]), "'columns' must be a list of names"),
        (split(3, []), "'columns' must be a list of names"),
        (split(["a"], {"0": ["x"]}), "'data' a list of rows"),
        ({"a": ["x"], "b": []}, "the columns differ in length: 'a' 1, 'b' 0"),
        ({"a": {"0": 1}, "b": {"1": 2}}, "the column 'b' has no row '0', which others have"),
    ],
)
def test_what_is_no_table_is_an_error(table: Any, fault: str) -> None:
    with pytest.raises(GoldenSetError, match=f"a.json: .*{fault}"):
        rows(table)
