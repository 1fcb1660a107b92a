"""Wording: one row is no "1 rows"."""

from __future__ import annotations

from sftdata.base.wording import count, list_names, reason_of


def test_a_noun_is_plural_unless_there_is_one() -> None:
    assert [count(n, "row") for n in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]


def test_a_long_list_of_names_ends_with_how_many_are_left() -> None:
    assert list_names(["a", "b"], 2) == "a, b"
    assert list_names(["a", "b", "c"], 2) == "a, b, c"  # no longer than "and 1 more"
    assert list_names(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert list_names(["a\n", "b"], 2, quote="'") == "'a\\n', 'b'"


def test_what_went_wrong_has_no_number_of_the_system() -> None:
    assert reason_of(FileNotFoundError("[Errno 2] Failed to open")) == "the file is gone"
    assert reason_of(PermissionError(13, "Permission denied")) == "Permission denied"
    assert reason_of(ValueError("Not an Arrow file")) == "Not an Arrow file"
