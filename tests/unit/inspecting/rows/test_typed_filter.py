"""The typed filter of the browser: its conditions, their completion and their faults."""

from __future__ import annotations

import pytest
from support.plain import build_plain

from sftdata.errors import SftdataError
from sftdata.inspecting.rows.select import RowFilter, RowSet, find_rows
from sftdata.inspecting.rows.typed_filter import complete, filter_rows, list_conditions

ROWS = [{"id": f"r{i}", "article": f"Number {i}.", "summary": f"Sum {i}."} for i in range(12)]
ROWS[4] |= {"article": "Write to jane@mail.acme.co."}
ROWS[5] |= {"article": "Very long. " * 90}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> RowSet:
    data = build_plain(tmp_path_factory.mktemp("typed"), ROWS, max_length=100)
    return find_rows(data, list(data), RowFilter())


def ids(rows: RowSet) -> list[str]:
    return [rows[number][1].row_id for number in range(len(rows))]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("finding=email-address", ["r4"]),
        ("reason=max_length", ["r5"]),
        ("min=90 max=100", ["r5"]),
        ("finding=email-address reason=max_length", []),
    ],
)
def test_rows_meet_all_conditions(rows: RowSet, typed: str, expected: list[str]) -> None:
    assert ids(filter_rows(rows, typed)) == expected


def test_nothing_typed_is_every_row_that_was_chosen_before(rows: RowSet) -> None:
    assert ids(filter_rows(rows, " ")) == ids(rows)
    chosen = find_rows(rows.data, list(rows.data), RowFilter(reason="max_length"))
    assert ids(filter_rows(chosen, "template=summarize/article")) == ["r5"]
    assert ids(filter_rows(chosen, "finding=email-address")) == []


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("splitt=test", "Did you mean 'split'"),
        ("split", "Unknown condition 'split'"),
        ("min=many", "'many' is not a number of tokens"),
        ("finding=email-adress", "Did you mean 'email-address'"),
    ],
)
def test_a_wrong_condition_says_why(rows: RowSet, typed: str, message: str) -> None:
    with pytest.raises(SftdataError, match=message):
        filter_rows(rows, typed)


def test_the_last_word_is_completed_from_what_rows_may_have(rows: RowSet) -> None:
    conditions = list_conditions(rows)
    assert complete("split=tr", conditions) == "split=train"
    assert complete("split=train reason=m", conditions) == "split=train reason=max_length"
    assert complete("min", conditions) == "min="
    assert complete("min=100 ", conditions) is None
    assert complete("colour", conditions) is None
