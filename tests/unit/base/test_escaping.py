"""Text and bytes from data made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.base.escaping import escape, escape_bytes, unescape_bytes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 日本 😀 é", "plain ünïcode 日本 😀 é"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2066c\u200ed", "a\\u{202e}b\\u{2066}c\\u{200e}d"),
        ("a\u200bb\u200dc\ufeffd\u00ade", "a\\u{200b}b\\u{200d}c\\u{feff}d\\xade"),
        ("a\u2028b\u2029c\x85d", "a\\u{2028}b\\u{2029}c\\x85d"),
        ("a\nb\rc\td\0", "a\\nb\\rc\\td\\x00"),
        ("\U000e0041\ue000", "\\u{e0041}\\u{e000}"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_what_a_terminal_would_act_on_is_made_visible(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_line_breaks_may_stay() -> None:
    assert escape("a\nb\r\n\x1b", keep_newlines=True) == "a\nb\\r\n\\x1b"


@given(st.text())
def test_nothing_hidden_is_left_of_any_text(text: str) -> None:
    assert all(unicodedata.category(char)[0] != "C" for char in escape(text))
    assert not set(escape(text)) & {"\u2028", "\u2029"}


@pytest.mark.parametrize("blank", ["\u034f", "\u3164", "\uffa0", "\ufe01", "\U000e0101"])
def test_letters_and_marks_that_show_nothing_are_made_visible(blank: str) -> None:
    assert escape(f"a{blank}b") == f"a\\u{{{ord(blank):x}}}b"


def test_an_emoji_in_its_usual_style_stays_as_it_is() -> None:
    assert escape("\u2764\ufe0f") == "\u2764\ufe0f"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b" the", "␣the"),
        ("naïve 日本".encode(), "naïve␣日本"),
        ("😀".encode()[:2], "\\xf0\\x9f"),
        (b"a\n\r\t\\", "a\\n\\r\\t\\\\"),
        ("\u202e".encode(), "\\xe2\\x80\\xae"),
        ("␣".encode(), "\\xe2\\x90\\xa3"),
        ("\u0301e".encode(), "\\xcc\\x81e"),
        (b"\x1b[31m\x9b", "\\x1b[31m\\x9b"),
    ],
)
def test_bytes_of_a_token_are_shown_on_one_line(data: bytes, shown: str) -> None:
    assert escape_bytes(data) == shown


@given(st.binary() | st.text().map(str.encode))
def test_shown_bytes_can_be_read_back_and_hold_nothing_hidden(data: bytes) -> None:
    shown = escape_bytes(data)
    assert unescape_bytes(shown) == data
    assert escape(shown) == shown
    assert " " not in shown
