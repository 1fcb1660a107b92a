"""Nesting: as many levels as code that calls itself for each can walk through."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.base.nesting import MAX_DEPTH, check_depth


def nested(depth: int, kind: type) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if kind is dict else kind([value])
    return value


@pytest.mark.parametrize("kind", [dict, list, tuple])
def test_a_value_may_have_so_many_levels_and_no_more(kind: type) -> None:
    check_depth(nested(MAX_DEPTH, kind))
    with pytest.raises(ValueError, match="it is nested in more than 100 levels"):
        check_depth(nested(MAX_DEPTH + 1, kind))


def test_the_deepest_part_counts_and_texts_have_no_levels() -> None:
    check_depth("text" * 200)
    with pytest.raises(ValueError):
        check_depth({"a": [1, "x"], "b": ["y", {"c": nested(99, list)}]})
