"""Sheets of Excel workbooks: what stands in a cell, as text, with the number of its row."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.peek import peek_rows
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.reading.tables.read import TableRows, read_tables


def write(rows: list[list[Any]], name: str = "a.xlsx") -> openpyxl.Workbook:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(name)
    return workbook


def read(item: str = "a.xlsx") -> TableRows:
    (source,) = resolve_sources([item])
    (rows,) = read_tables(source)
    return rows


def test_cells_are_text_by_the_rule_for_values() -> None:
    values = {
        "text": "  zwei\nZeilen ",
        "whole": 7,
        "number": 0.5,
        "yes": True,
        "day": datetime.datetime(2026, 1, 31),
        "moment": datetime.datetime(2026, 1, 31, 8, 5),
        "time": datetime.time(8, 5),
        "span": datetime.timedelta(hours=26, minutes=3),
        "empty": None,
        "return": "a_x000D_b",
    }
    workbook = write([list(values), list(values.values())])
    workbook.active["E2"].number_format = "yyyy-mm-dd"
    workbook.save("a.xlsx")
    assert read().batch.to_pylist() == [
        {
            "text": "  zwei\nZeilen ",
            "whole": "7",
            "number": "0.5",
            "yes": "true",
            "day": "2026-01-31",
            "moment": "2026-01-31T08:05:00",
            "time": "08:05:00",
            "span": "26:03:00",
            "empty": "",
            "return": "a\rb",
        }
    ]


def test_a_row_has_the_number_that_excel_shows_and_a_blank_one_is_null() -> None:
    write([[], ["a", "b"], ["1", "2"], [], ["", "4"]])
    rows = read()
    assert rows.lines.tolist() == [3, 4, 5]
    assert rows.batch.to_pylist() == [
        {"a": "1", "b": "2"},
        {"a": None, "b": None},
        {"a": "", "b": "4"},
    ]


def test_the_first_sheet_is_read_and_the_others_are_named() -> None:
    workbook = write([["a"], ["1"]])
    workbook.create_sheet("Notes").append(["b"])
    workbook["Notes"].append(["2"])
    workbook.save("a.xlsx")
    rows = read()
    assert rows.columns == ("a",)
    assert rows.notes == (
        "Read from a.xlsx: the sheet 'Sheet'. Not read: Notes. To read one: --data 'a.xlsx#Notes'",
    )
    chosen = read("a.xlsx#Notes")
    assert (chosen.columns, chosen.notes) == (("b",), ())
    first, second = resolve_sources(["a.xlsx", "a.xlsx#Notes"])
    assert first.sha256 != second.sha256


def test_an_unknown_sheet_is_an_error_with_the_nearest_one() -> None:
    write([["a"], ["1"]])
    with pytest.raises(GoldenSetError, match=r"no sheet 'Shet'\.\nDid you mean 'Sheet'\?"):
        read("a.xlsx#Shet")


def test_a_formula_without_a_value_and_an_error_are_named_by_cell() -> None:
    write([["a", "b", "c"], ["=1+1", "#N/A", "x"]])
    with pytest.raises(GoldenSetError, match=r"A2 \(a formula without a value\)\.\n.*calculate"):
        list(read_tables(resolve_sources(["a.xlsx"])[0], ["a"]))
    with pytest.raises(GoldenSetError, match=r"B2 \(the error #N/A\)"):
        list(read_tables(resolve_sources(["a.xlsx"])[0], ["b"]))
    # A column that nothing reads may hold anything.
    (rows,) = read_tables(resolve_sources(["a.xlsx"])[0], ["c"])
    assert rows.batch.to_pylist() == [{"c": "x"}]


def test_merged_cells_are_named() -> None:
    workbook = write([["a", "b"], ["1", "2"], ["", "3"]])
    workbook.active.merge_cells("A2:A3")
    workbook.save("a.xlsx")
    rows = read()
    assert rows.notes[0].startswith("a.xlsx has merged cells (A2:A3)")
    assert rows.batch.column("a").to_pylist() == ["1", ""]


def test_a_title_above_the_header_is_an_error_with_the_cell() -> None:
    write([["News of January"], ["article", "summary"], ["x", "y"]])
    said = r"(?s)a\.xlsx:2: the cell B2 \('summary'\).*title above"
    with pytest.raises(GoldenSetError, match=said):
        read()


def test_an_empty_sheet_is_an_error() -> None:
    write([])
    with pytest.raises(GoldenSetError, match="the sheet is empty"):
        read()


def test_any_name_will_do_for_a_workbook() -> None:
    write([["a"], ["1"]], name="a.xlsx")
    Path("a.xlsx").rename("a.bin")
    assert peek_rows(resolve_sources(["a.bin"])[0]) == [{"a": "1"}]


def test_a_cut_workbook_is_an_error() -> None:
    write([["a"], ["1"]])
    Path("a.xlsx").write_bytes(Path("a.xlsx").read_bytes()[:-300])
    with pytest.raises(GoldenSetError, match=r"(?s)an Office file.*copy it again"):
        read()
