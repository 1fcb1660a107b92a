"""Shapes: each fault has its place, and what is right has none."""

from __future__ import annotations

import pytest

from sftdata.base.json_types import (
    COUNT,
    DIGEST,
    FILE_NAME,
    FLAG,
    PATH,
    TEXT,
    TOKEN_ID,
    Check,
    is_inside,
    list_of,
    map_of,
    object_of,
    or_null,
)  # fmt: skip


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (TEXT, ["", "a"], [None, 1, b"a"]),
        (FLAG, [True, False], [0, 1, None]),
        (COUNT, [0, 5], [-1, 1.0, True, 2**63, "5", None]),
        (TOKEN_ID, [None, 7], [-1, "7"]),
        (DIGEST, ["0" * 64], ["0" * 63, "G" * 64, 0]),
        (FILE_NAME, ["a.b", "é x"], ["", "..", "a/b", "/a", "a\0"]),
        (PATH, ["a/b"], ["", "/a", "a/../b", "a\0"]),
        (or_null(TEXT), [None, "a"], [1]),
        (list_of(TEXT), [[], ["a"]], [{}, [1]]),
        (map_of(COUNT, FILE_NAME), [{}, {"a": 1}], [[], {"a": "1"}, {"../a": 1}]),
        (object_of({"a": COUNT}, {"b": TEXT}), [{"a": 1}, {"a": 1, "b": "", "c": 0}],
         [{}, {"a": ""}, {"a": 1, "b": 1}, []]),
    ],
)  # fmt: skip
def test_a_check_tells_right_from_wrong(
    check: Check, right: list[object], wrong: list[object]
) -> None:
    assert [value for value in right if list(check("it", value))] == []
    assert [value for value in wrong if not list(check("it", value))] == []


def test_all_faults_are_told_each_with_its_place() -> None:
    check = object_of({"rows": list_of(object_of({"bytes": COUNT})), "name": TEXT})
    assert list(check("", {"rows": [{"bytes": 1}, {"bytes": "x" * 99}, {}]})) == [
        f"'rows[1].bytes' is '{'x' * 59}…, not a whole number",
        "it has no 'rows[2].bytes'",
        "it has no 'name'",
    ]


def test_a_path_with_dots_in_a_name_is_inside() -> None:
    assert is_inside("shards/a..b/..c.arrow")
    assert not is_inside("shards/../../c")
