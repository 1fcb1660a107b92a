"""Items of `data`: places, and places with the split of their rows."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.spec.data_items import expand_data, parse_data_item, split_sheet


@pytest.mark.parametrize(
    ("item", "parsed"),
    [
        ("a.jsonl", (None, "a.jsonl")),
        ("train=a.jsonl", ("train", "a.jsonl")),
        ("train=-", ("train", "-")),
        ("test=hf:me/news:train[:50%]", ("test", "hf:me/news:train[:50%]")),
        ("hf:me/news", (None, "hf:me/news")),
        ("./train=a.jsonl", (None, "./train=a.jsonl")),  # a path
        ("data/year=2024/a.jsonl", (None, "data/year=2024/a.jsonl")),
        ("train=", (None, "train=")),
    ],
)
def test_a_word_before_an_equals_sign_is_a_split(item: str, parsed: tuple[str | None, str]) -> None:
    assert parse_data_item(item) == parsed


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (["a.jsonl"], ["a.jsonl"]),
        (
            {"train": ["a.jsonl", "b.jsonl"], "test": "c.jsonl"},
            ["train=a.jsonl", "train=b.jsonl", "test=c.jsonl"],
        ),
        (None, None),
        ({"train": 3}, ["train=3"]),
    ],
)
def test_a_table_of_splits_is_a_list_of_items(data: Any, items: Any) -> None:
    assert expand_data(data) == items


def test_a_sheet_is_named_behind_the_file() -> None:
    assert split_sheet("a b.xlsx#Q 1#2") == ("a b.xlsx", "Q 1#2")
    assert split_sheet("c#.jsonl") == ("c#.jsonl", None)
    assert split_sheet("a.xlsx#") == ("a.xlsx#", None)
    assert split_sheet("A.XLSM#S") == ("A.XLSM", "S")
