"""Tables and lines fit into the terminal; a file or a pipe gets them whole."""

from __future__ import annotations

import pytest

from sftdata.cli.layout import format_table, print_lines, terminal_width, wrap

HEAD = ("split", "rows", "target tokens")
ROWS = [["train", "938", "16,921"], ["test", "13", "2"]]
LEAST = (12, 10, 14)


def test_a_table_has_room_where_there_is_some() -> None:
    assert format_table(HEAD, ROWS, LEAST, None) == [
        "split              rows  target tokens",
        "train               938         16,921",
        "test                 13              2",
    ]


def test_a_narrower_table_is_as_wide_as_its_cells_and_titles() -> None:
    assert format_table(HEAD, ROWS, LEAST, 30) == [
        "split rows target tokens",
        "train  938        16,921",
        "test    13             2",
    ]


def test_then_the_titles_are_wrapped() -> None:
    assert format_table(HEAD, ROWS, LEAST, 20) == [
        "           target",
        "split rows tokens",
        "train  938 16,921",
        "test    13      2",
    ]


def test_then_each_row_is_a_block() -> None:
    assert format_table(HEAD, ROWS[:1], LEAST, 10) == [
        "train",
        "  rows          938",
        "  target tokens 16,921",
    ]


def test_a_table_without_rows_is_its_titles() -> None:
    assert format_table(HEAD, [], (0, 0, 0), 40) == ["split rows target tokens"]


def test_a_wide_line_goes_on_further_in_and_words_stay_whole() -> None:
    line = "  Leave it if the text means it, or see data/a-long-name/of-a-folder."
    assert wrap(line, 30) == [
        "  Leave it if the text means",
        "    it, or see",
        "    data/a-long-name/of-a-folder.",
    ]
    assert wrap(line, None) == [line]


def test_what_is_no_terminal_gets_each_line_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert terminal_width() is None
    print_lines(["word " * 100])
    assert capsys.readouterr().out == "word " * 100 + "\n"
