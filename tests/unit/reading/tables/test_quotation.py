"""Quotation marks that swallow rows, and cells of several lines that are cells."""

from __future__ import annotations

import pytest

from sftdata.reading.tables.quotation import QuotationCheck

HEADER = ["id", "text"]
ROWS = [["1", "A text"], ["2", "Another one"], ["3", "The third"]]


def check_after(rows: list[list[str]], header: list[str] = HEADER) -> QuotationCheck:
    check = QuotationCheck(",", header)
    for row in rows:
        check.learn(row)
    return check


@pytest.mark.parametrize(
    ("row", "number"),
    [
        (["4", "He said\n5,and she said"], 2),
        (["4", "He said\n5,and she said\n6,bye"], 3),
        (["4", "He said\r\n5,and she said\r\n6,bye"], 3),
    ],
)
def test_lines_that_are_rows_each_are_swallowed(row: list[str], number: int) -> None:
    assert check_after(ROWS).swallowed_rows(row, number) == number
    assert check_after([]).swallowed_rows(row, number) == number


@pytest.mark.parametrize(
    "text",
    [
        "Dear Bob,\nthank you",
        "One line, then\nanother, with commas",
        "first\n\n5,second",
        "first\nwithout any",
        "first\n5,two,three",
        'first\n5,he said "yes"',  # doubled in the file, so quoting is meant
        "first\nprint(a,b)",
        "first\n[1,2]",
        "first\nword,word",  # ids are numbers here
    ],
)
def test_prose_and_code_of_several_lines_are_cells(text: str) -> None:
    assert check_after(ROWS).swallowed_rows(["4", text], 1 + text.count("\n")) == 0


def test_a_space_after_the_delimiter_counts_where_the_header_has_it() -> None:
    row = ["4", " He said\n5, and she said"]
    assert check_after(ROWS).swallowed_rows(row, 2) == 0
    assert check_after(ROWS, ["id", " text"]).swallowed_rows(row, 2) == 2


def test_a_table_of_one_column_has_cells_of_several_lines() -> None:
    assert check_after([], ["text"]).swallowed_rows(["a\nb\nc"], 3) == 0


def test_a_delimiter_inside_a_cell_proves_that_cells_are_quoted() -> None:
    check = check_after([])
    assert check.is_proof(["1", "a, b"])
    assert not check.is_proof(["1", 'a "b" c'])
