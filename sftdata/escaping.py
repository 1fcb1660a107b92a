"""Text from data, names of files and ids, made safe to show: nothing in it acts on a terminal."""

from __future__ import annotations

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str, *, keep_newlines: bool = False) -> str:
    """`text` with every control, bidi, zero-width and unassigned character made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _visible(char) if _is_hidden(char) and not (keep_newlines and char == "\n") else char
        for char in text
    )


def _is_hidden(char: str) -> bool:
    # Other (controls, format, surrogates, private, unassigned) and line or paragraph separators.
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")


def _visible(char: str) -> str:
    code = ord(char)
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}")
