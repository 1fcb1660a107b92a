"""Wording: one row is no "1 rows"."""

from __future__ import annotations

from sftdata.base.wording import count


def test_a_noun_is_plural_unless_there_is_one() -> None:
    assert [count(n, "row") for n in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]
