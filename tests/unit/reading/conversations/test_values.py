"""Values: maps become objects, nulls of tables go, and what JSON cannot hold is refused."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from sftdata.reading.conversations.values import parse_json, to_plain


def test_json_text_keeps_big_integers_and_nulls() -> None:
    assert parse_json(f'{{"a": {2**70}, "b": null}}') == {"a": 2**70, "b": None}


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "NaN", '{"a": 1, "a": 2}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_maps_become_objects_and_a_table_fills_with_nulls() -> None:
    value = {"a": [("x", 1), ("y", None)], "b": None, "c": [None, {"d": None}], "e": []}
    assert to_plain(value, null_filled=False) == {
        "a": {"x": 1, "y": None},
        "b": None,
        "c": [None, {"d": None}],
        "e": [],
    }
    assert to_plain(value, null_filled=True) == {"a": {"x": 1}, "c": [None, {}], "e": []}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), datetime.date(2026, 1, 1), b"x", [("a", 1), ("a", 2)]]
)
def test_what_json_has_no_form_for_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        to_plain({"a": value}, null_filled=False)
