"""CSV and TSV: every line of the file is a row, a part of a cell, or blank."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.errors import GoldenSetError
from sftdata.reading.tables.delimited import DelimitedFile, DelimitedRows
from sftdata.reading.tables.dialects import Quoting


def parts(content: bytes | str, name: str, quoting: Quoting, *wanted: str) -> list[DelimitedRows]:
    data = content.encode() if isinstance(content, str) else content
    suffix = f".{name.rpartition('.')[2]}"
    file = DelimitedFile(name, suffix, lambda: io.BytesIO(data), quoting)
    return list(file.read(wanted or None))


def read(
    content: bytes | str, name: str = "t.csv", quoting: Quoting = None
) -> list[dict[str, Any]]:
    return [row for rows in parts(content, name, quoting) for row in rows.batch.to_pylist()]


def error(content: bytes | str, name: str = "t.csv", quoting: Quoting = None) -> str:
    with pytest.raises(GoldenSetError) as caught:
        read(content, name, quoting)
    return str(caught.value)


ROWS = [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]


@pytest.mark.parametrize(
    "content",
    [
        "id,text\n1,a\n2,b\n",
        "id,text\r\n1,a\r\n2,b",
        "id,text\r1,a\r2,b\r",
        "id;text\n1;a\n2;b\n",
        "id|text\n1|a\n2|b\n",
        "id\ttext\n1\ta\n2\tb\n",
        "sep=|\nid|text\n1|a\n2|b\n",
        " id , text\n1,a\n2,b\n",
        "id,text,\n1,a,\n2,b,\n",
        "id,text,\n1,a\n2,b\n",
        "id,text\n1,a,\n2,b,,\n",
        "\n\nid,text\n\n1,a\n\n2,b\n\n",
        ",\nid,text\n1,a\n2,b\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_table_in_any_dialect_is_the_same_table(content: str, encoding: str) -> None:
    assert read(content.encode(encoding)) == ROWS


def test_spaces_of_cells_are_kept() -> None:
    assert read("id, text\n1, a \n") == [{"id": "1", "text": " a "}]


def test_columns_without_a_name_get_one_if_they_have_cells() -> None:
    (rows,) = parts(",,text,\n0,,a,\n1,,b,\n", "t.csv", None)
    assert rows.columns == ("Unnamed: 0", "text")
    assert rows.batch.to_pydict() == {"Unnamed: 0": ["0", "1"], "text": ["a", "b"]}


def test_a_name_may_repeat_where_nothing_reads_it() -> None:
    (rows,) = parts("id,x,x\n1,2,3\n", "t.csv", None, "id")
    assert rows.batch.to_pydict() == {"id": ["1"]}
    with pytest.raises(GoldenSetError, match="'x' stands there more than once"):
        parts("id,x,x\n1,2,3\n", "t.csv", None, "x")


def test_rows_are_counted_when_no_column_is_wanted() -> None:
    (rows,) = parts("id,text\n1,a\n2,b\n", "t.csv", None, "nowhere")
    assert (rows.batch.num_rows, rows.lines) == (2, [2, 3])


def test_a_row_without_cells_is_null_in_each_column() -> None:
    (rows,) = parts("id,text\n1,a\n,\n ,\n,b\n,\n", "t.csv", None)
    assert rows.batch["id"].to_pylist() == ["1", None, None, "", None]
    assert rows.batch["text"].to_pylist() == ["a", None, None, "b", None]
    assert rows.lines == [2, 3, 4, 5, 6]


def test_quotation_marks_are_text_in_tsv() -> None:
    content = 'id\ttext\n1\t"Once\n2\tthe end"\n3\tsay "hi"\n'
    texts = [row["text"] for row in read(content, "t.tsv")]
    assert texts == ['"Once', 'the end"', 'say "hi"']
    assert read(content, "t.tsv", "csv")[0]["text"].startswith("Once\n2\tthe end")


def test_a_note_names_the_first_cell_of_a_tsv_that_looks_quoted() -> None:
    (rows,) = parts('id\ttext\n1\ta\n2\t"say ""hi"""\n', "t.tsv", None)
    assert [note.partition(":")[2][:2] for note in rows.notes] == ["3:"]
    for quoting in ("csv", "none"):
        (rows,) = parts('id\ttext\n1\ta\n2\t"say ""hi"""\n', "t.tsv", quoting)
        assert rows.notes == []


def test_a_quoted_cell_that_holds_whole_rows_is_an_error_with_both_lines() -> None:
    swallowed = 'id,text\n1,"Once\n2,upon\n3,a time"\n4,end\n'
    assert re.match(r"t\.csv:2: .* opens here closes in line 4;.* 3 whole rows", error(swallowed))
    assert [row["text"] for row in read(swallowed, quoting="csv")] == [
        "Once\n2,upon\n3,a time",
        "end",
    ]
    assert [row["id"] for row in read(swallowed, quoting="none")] == ["1", "2", "3", "4"]
    two = 'article,summary\n"Once,upon\na time",end\n'
    assert re.match(r"t\.csv:2: .* closes in line 3;.* 2 whole rows", error(two))


def test_two_lines_that_look_like_rows_are_a_cell_where_the_file_quotes_cells() -> None:
    content = 'id,text\n1,"Costs\n2,a lot"\n'
    assert error(content).startswith("t.csv:2:")
    # A cell with a comma can only be read as one cell if it is quoted.
    assert read(content + '3,"yes, sir"\n')[0] == {"id": "1", "text": "Costs\n2,a lot"}


def test_prose_of_several_lines_is_a_cell() -> None:
    text = "Dear Bob,\nwe met, I think, in May.\n\nYours, Ann"
    assert read(f'id,text\n1,"{text}"\n') == [{"id": "1", "text": text}]


@pytest.mark.parametrize(
    ("content", "first", "second"),
    [
        ('id,text\n1,a\n2,"b\n3,c\n', "t.csv:3: nothing closes", "Close it"),
        ('id,text\n1,a\n2,"b" c\n', "t.csv:3: a quotation mark closes before", "not doubled"),
        ('id,text\n1,"a\n2,b "c" d\n', "t.csv:2: a quotation mark opens in line 2 and closes in "
         "line 3,", "not doubled"),
        ('id,text\n1,"say \\"hi\\" x"\n', "t.csv:2: a quotation mark after a backslash", "doubles"),
        ('id,text\n1,"say \\"hi\\", x"\n', "t.csv:2: ", "doubles"),
        ('id,text\n1, "a, b"\n', "t.csv:2: 3 cells", "space before the quotation mark"),
        ("id,text\n1,a, b\n", "t.csv:2: 3 cells; the header has 2", "in quotation marks"),
        ("Title\nid,text\n1,a\n", "t.csv:2: 2 cells; the header has 1", "is a title"),
        ("id,text\n1,a\n2,caf\udce9 au lait\n", "t.csv:3: byte 0xe9 ('é' in Windows-1252) is not "
         "UTF-8, in 'text', after 'caf'", "iconv"),
        ('id,text\n1,a\n2,"\n\ncaf\udce9"\n', "t.csv:5: byte 0xe9", "iconv"),
        ("id,t\udce4xt\n1,a\n", "t.csv:1: byte 0xe4", "iconv"),
        ("id,text\n1,a\rb\n", "t.csv:2: a line break (CR) in a cell", "in quotation marks"),
        ("id,text\r1,a\nb\r", "t.csv:2: a line break (LF) in a cell", "in quotation marks"),
        ("", "t.csv: the file is empty", "names its columns"),
        ("\n\n", "t.csv: the file is empty", "names its columns"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line_and_the_way_out(
    content: str, first: str, second: str
) -> None:
    message, _, hint = error(content.encode("utf-8", "surrogateescape")).partition("\n")
    assert message.startswith(first)
    assert second in hint


def test_faults_of_tsv_and_utf16_are_named() -> None:
    assert 'quoting = "csv"' in error('id\ttext\n1\t"a\nb"\n', "t.tsv")
    assert "tab" in error("id\ttext\n1\ta\tb\n", "t.tsv")
    content = "id,text\n1,a\n".encode("utf-16")
    assert "cut or damaged" in error(content[:-1])
    surrogate = "id,text\n1,a\ud800\n".encode("utf-16", "surrogatepass")
    assert "half a character (U+D800) in 'text', after 'a'" in error(surrogate)


CELLS = st.text(st.sampled_from('ab1 ,;"\n\r\t|\\é'), max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 3))
    return draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))


@given(tables(), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.integers(0, 3))
def test_the_lines_of_a_file_are_rows_line_breaks_in_cells_and_blank_lines(
    rows: list[list[str]], end: str, quotes_all: bool, blank_lines: int
) -> None:
    header = [f"column {at}" for at in range(len(rows[0]) if rows else 2)]
    quoting: Any = csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL
    if not quotes_all and end != "\r\n":
        # Python's writer leaves line breaks of the other kind unquoted: errors, shown above.
        rows = [[cell.replace("\r" if end == "\n" else "\n", "") for cell in row] for row in rows]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=end, quoting=quoting)
    writer.writerow(header)
    stream.write(end * blank_lines)
    writer.writerows(rows)
    content, line_end = stream.getvalue(), end[-1]
    found = parts(content, "t.csv", "csv")
    read_rows = [row for part in found for row in part.batch.to_pylist()]
    breaks = [sum(cell.count(line_end) for cell in row) for row in rows]
    assert content.count(line_end) == 1 + len(read_rows) + sum(breaks) + blank_lines
    lines = [line for part in found for line in part.lines]
    assert lines == [2 + blank_lines + at + sum(breaks[:at]) for at in range(len(rows))]
    for row, written in zip(read_rows, rows, strict=True):
        is_blank = not "".join(written).strip()
        assert [*row.values()] == ([None] * len(written) if is_blank else written)
    try:
        again = parts(content, "t.csv", None)
    except GoldenSetError as fault:
        assert "whole rows" in str(fault)  # noqa: PT017
    else:
        assert [part.batch for part in again] == [part.batch for part in found]
