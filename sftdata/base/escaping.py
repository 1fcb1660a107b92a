"""Escape text from data, file names and ids, so that nothing in it acts on a terminal."""

from __future__ import annotations

import re
import unicodedata

# Letters and marks without a glyph. The two selectors of emoji and text style stay.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0").union(
    map(chr, [*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0)])
)
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
    return category[0] == "C" or category in ("Zl", "Zp") or char in _BLANK


def _visible(char: str) -> str:
    code = ord(char)
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}")


def escape_bytes(data: bytes) -> str:
    r"""`data` as one visible line; `unescape_bytes` is the inverse.

    Printable UTF-8 stays, a space is "␣", all other bytes are `\xNN`, `\n`, `\r`, `\t` or `\\`. So
    are those of a combining mark at the start, which would join the text before it.
    """
    text = data.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isalnum():
        return text
    return "".join(
        _visible_bytes(char) if _is_unclear(char, first=place == 0) else char
        for place, char in enumerate(text)
    )


def unescape_bytes(shown: str) -> bytes:
    """The bytes for which `escape_bytes` gives `shown`."""
    return _ESCAPED.sub(_to_bytes, shown.encode("utf-8"))


_OPEN_BOX = "␣"
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})|\\([nrt\\])|" + _OPEN_BOX.encode())
_UNESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\"}


def _is_unclear(char: str, *, first: bool) -> bool:
    is_mark = first and unicodedata.category(char)[0] == "M"
    return char in (" ", "\\", _OPEN_BOX) or is_mark or not char.isprintable() or _is_hidden(char)


def _visible_bytes(char: str) -> str:
    short = {" ": _OPEN_BOX, "\\": "\\\\", **_SHORT}.get(char)
    if short is not None:
        return short
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def _to_bytes(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes([int(match[1], 16)])
    return _UNESCAPED[match[2]] if match[2] is not None else b" "
