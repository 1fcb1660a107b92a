"""Name the real fault of a line that is not JSON, and the way out."""

from __future__ import annotations

import json

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError

_SHOWN = 40  # characters of the faulty text
_COMMENTS = ("//", "/*", "#")
_PYTHON = ("'", "None", "True", "False")


def broken_row(where: str, text: str, error: ValueError) -> GoldenSetError:
    """The error for a text that the JSON parser refused with `error`."""
    message, hint = _explain(text.strip(), error)
    return GoldenSetError(f"{where}: {message}", hint)


def _explain(text: str, error: ValueError) -> tuple[str, str]:
    place = error.pos if isinstance(error, json.JSONDecodeError) else 0
    reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    if text.startswith(_COMMENTS):
        return f"a comment: {_shown(text)}.", "JSON has no comments: remove the line."
    if text.startswith("[") and _is_row(text[1:].rstrip().removesuffix(",")):
        return (
            "the first row of a JSON array that is cut into lines: [ stands before it.",
            "If the array is whole, name the file .json. Else put one object on each line, without "
            "[ before the first, ] after the last and commas between them.",
        )
    if text.endswith((",", "]")) and _is_row(text.rstrip(",] ")):
        return (
            f"{'a comma' if text.endswith(',') else ']'} stands at the end of the line.",
            "Rows of JSON Lines have nothing between them: remove the commas at the line ends "
            "(sed 's/,$//' FILE), or write [ before the first row, ] after the last, and name the "
            "file .json.",
        )
    rest = text[place:]
    if rest.startswith(_PYTHON):
        return (
            f"written as Python prints it, with single quotes: {_shown(rest)}.",
            "JSON has double quotes, null, true and false: write each row with json.dumps(row), "
            "not with str(row).",
        )
    if rest.startswith(("}", "]")) and text[:place].rstrip().endswith(","):
        return (
            f"a comma stands before {rest[0]}, at column {place}.",
            "JSON has commas only between items: remove it.",
        )
    if reason.startswith("Unterminated string"):
        return (
            f"the line is cut: it ends inside the text that begins with {_shown(rest)}.",
            "If it is the last line, the file was cut off: copy it again, or remove the line. Else "
            r"a text holds a line break, which JSON writes as \n.",
        )
    if not rest:
        return (
            "the line is cut: it ends before the row does.",
            "If it is the last line, the file was cut off: copy it again, or remove the line. Else "
            "put each row on a line of its own.",
        )
    if reason.startswith("Invalid control character"):
        return (
            f"a text holds the character U+{ord(rest[0]):04X} at column {place + 1}.",
            r"JSON writes it with a backslash, for example a tab as \t.",
        )
    if any(mark in rest[:2] for mark in ("//", "/*")):
        return f"a comment: {_shown(rest)}.", "JSON has no comments: remove it."
    return (
        f"not JSON at column {place + 1}, {_shown(rest)}: {reason}.",
        'Every line must be one complete JSON object: {"field": "text", …}.',
    )


def _is_row(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _shown(text: str) -> str:
    return f"'{escape(text[:_SHOWN])}{'…' if len(text) > _SHOWN else ''}'"
