"""A key that an object gives twice: remembered in a row, refused anywhere else."""

from __future__ import annotations

import json

import pytest

from sftdata.reading.json.objects import JsonObject, unique_object


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ('{"a": 1, "b": 2}', set()),
        ('{"a": 1, "b": 2, "a": 3}', {"a"}),
        ('{"b": 1, "a": 2, "a": 3, "b": 4}', {"a", "b"}),
        ("{}", set()),
    ],
)
def test_a_row_knows_its_repeated_keys(text: str, repeated: set[str]) -> None:
    row = json.loads(text, object_pairs_hook=JsonObject.from_pairs)
    assert row == json.loads(text)
    assert row.repeated == repeated


def test_an_object_that_must_be_unique_names_the_key() -> None:
    assert unique_object([("a", 1), ("b", 2)]) == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match="the key 'a' stands in an object more than once"):
        unique_object([("a", 1), ("a", 1)])
