"""Which outputs are those that a page shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.doc_pages.comparison import same_output, show_difference


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("a|b", "a|b"),
        ("a|b", "a  |b||"),
        ("a|…|d", "a|b|c|d"),
        ("a|…|d", "a|d"),
        ("…|d", "a|d"),
        ("a|…", "a"),
        ("…|b|…|d", "a|b|c|b|d"),
        ("x … z", "x y z"),
        ("time 0.1 s", "time 12 s"),
        ("a .* b (c)", "a .* b (c)"),
        ("a|b", "a|1,200 rows, 80 a second|b|62% of about 1,900 rows, 81 a second, 0:09 left"),
    ],
)
def test_the_same(expected: str, printed: str) -> None:
    assert same_output(expected.split("|"), printed.split("|"))


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("a|b", "a|c"),
        ("a", "a|b"),
        ("a|b", "a"),
        ("a|b", "b|a"),
        ("a|…|d", "a|b|c"),
        ("a|…|a", "a"),
        ("…|b|c|…", "b|x|c"),
        ("x … z", "x y"),
        ("a .* b", "a x b"),
        ("76 rows", "75 rows"),
        ("a", "a|1,200 rows"),
        ("1987-01-31", "1987-02-01"),
    ],
)
def test_not_the_same(expected: str, printed: str) -> None:
    assert not same_output(expected.split("|"), printed.split("|"))


def test_a_date_is_the_day_of_the_page_or_today() -> None:
    assert same_output(["built 1987-01-31"], [f"built {datetime.now(UTC):%Y-%m-%d}"])


def test_a_difference_shows_neither_masked_parts_nor_gaps() -> None:
    shown = show_difference(["a", "1 s", "x", "…"], ["a", "2 s", "y"])
    assert "-x" in shown
    assert "+y" in shown
    assert "1 s" not in shown
