"""Dialects: what separates the cells of a file, by its first lines."""

from __future__ import annotations

import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.tables.dialects import Dialect, Quoting, sniff_dialect


def sniff(text: str, suffix: str = ".csv", quoting: Quoting = None, **more: bool) -> Dialect:
    return sniff_dialect(f"t{suffix}", suffix, text, quoting, **more)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("id,text\n1,a\n", ","),
        ("id;text\n1;a\n", ";"),
        ("id\ttext\n1\ta\n", "\t"),
        ("id|text\n1|a\n", "|"),
        # Commas in the texts do not count, and semicolons beside commas do not.
        ("id;text\n1;a, b\n2;c, d\n", ";"),
        ("id,text\n1,a; b\n2,c; d\n", ","),
        ('id,text\n1,"a;b"\n', ","),
        ('id;text\n1;"a\nb;c"\n2;d\n', ";"),
        ("name, full;text\nPeter;a\nMary;b\n", ";"),
        # Blank rows, empty cells at the end, a faulty row: nothing of it is another dialect.
        ("id;text\n\n1;a\n;\n", ";"),
        ("id;text\n1;a;\n2;b;;\n", ";"),
        ("id,text\n1,a\n2\n3,b;c\n", ","),
        ("id;text\n" + "1;a\n" * 9 + "2\n", ";"),
        # One column stays one.
        ("text\na, b\nc; d\n", ","),
        ("text\na; b\nc; d\n", ","),
        ("text\na|b\n", ","),
        ("", ","),
        ("id;text\n", ";"),
    ],
)
def test_the_delimiter_gives_each_row_the_cells_of_the_header(text: str, delimiter: str) -> None:
    assert sniff(text).delimiter == delimiter


def test_a_last_row_that_is_cut_does_not_count() -> None:
    assert sniff("id;text\n1;a\n2", is_whole=False).delimiter == ";"


@pytest.mark.parametrize(
    ("suffix", "text", "note"),
    [
        (".csv", "id,text\n1,a\n", None),
        (".csv", "id;text\n1;a\n", "t.csv: read as a table with semicolons between its cells."),
        (".tsv", "id\ttext\n1\ta\n", None),
        (".tsv", "id,text\n1,a\n", "t.tsv: read as a table with commas between its cells."),
        (".txt", "id\ttext\n1\ta\n", "t.txt: read as a table with tabs between its cells."),
        (".csv", "sep=;\nid;text\n1;a\n", None),  # the file itself says it
    ],
)
def test_a_note_says_what_the_name_does_not(suffix: str, text: str, note: str | None) -> None:
    assert sniff(text, suffix).note == note


def test_a_line_with_the_separator_is_no_row() -> None:
    for line in ("sep=;\r\n", '"sep=;"\n'):
        assert sniff(line + "id;text\n") == Dialect(";", is_quoted=True, skipped=1)


@pytest.mark.parametrize(
    ("suffix", "text", "quoting", "is_utf16", "is_quoted"),
    [
        (".csv", "id,text\n", None, False, True),
        (".csv", "id\ttext\n", None, False, True),
        (".csv", "id,text\n", "none", False, False),
        (".tsv", "id\ttext\n", None, False, False),
        (".tsv", "id\ttext\n", "csv", False, True),
        (".tsv", '"id"\t"text"\n', None, False, True),
        (".tsv", "id,text\n", None, False, True),
        (".txt", "id\ttext\n", None, False, False),
        (".txt", "id\ttext\n", None, True, True),  # as Excel writes it
    ],
)
def test_quotation_marks_quote_in_csv_and_are_text_in_tsv(
    suffix: str, text: str, quoting: Quoting, is_utf16: bool, is_quoted: bool
) -> None:
    assert sniff(text, suffix, quoting, is_utf16=is_utf16).is_quoted == is_quoted


@pytest.mark.parametrize(
    "text",
    [
        "Export of 2024\n\nid,text\n1,a\n",
        "Export of 2024;;\n\nid;text\n1;a\n",
        "Export of 2024,,\n,,\nid,text,lang\n1,a,en\n",
    ],
)
def test_a_title_above_the_header_is_an_error(text: str) -> None:
    with pytest.raises(GoldenSetError, match=r"t\.csv:1: 'Export of 2024' .*: id, text"):
        sniff(text)


@pytest.mark.parametrize(
    ("text", "line_end"),
    [("a,b\n1,2\r\n", "\n"), ("a,b\r\n1,2\r", "\n"), ("a,b\r1,2\n", "\r"), ("a,b", "\n")],
)
def test_the_header_shows_what_ends_the_lines(text: str, line_end: str) -> None:
    assert sniff(text).line_end == line_end


@pytest.mark.parametrize("text", [",text\n0,a\n", "text,\na,\n", "text\n\na\n", "text\n\na;b\n"])
def test_a_header_with_one_name_is_no_title(text: str) -> None:
    assert sniff(text).delimiter == ","


def test_a_text_without_columns_is_no_table() -> None:
    with pytest.raises(GoldenSetError, match="without columns"):
        sniff("Once upon a time,\nthere was a text.\n", ".txt")
