"""Tell how the rows of a JSON file are laid out, by its first bytes or its only object."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError
from sftdata.reading.json.faults import broken_row

if TYPE_CHECKING:
    from sftdata.reading.json.outline import Member

# A row on each line; values one after another; a list of rows; columns instead of rows.
Shape = Literal["lines", "values", "list", "columns"]

_BLANKS = b" \t\r\n"
_TURN_KEYS = ((b"role", b"content"), (b"role", b"tool_calls"), (b"from", b"value"))
_KEY = re.compile(rb'"(\w+)"\s*:')
_TEXT_VALUE = re.compile(rb':\s*"(?:[^"\\]|\\.)*"?')
_BRACKET = re.compile(rb"[][{}]")
_FIRST_KEY = re.compile(rb'\{\s*"([^"]*)"')
_PEEKED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class JsonLayout:
    """Where the rows of a JSON file are. `start`: byte of its text (UTF-8) where they begin."""

    shape: Shape = "lines"
    start: int = 0
    is_utf8: bool = True
    key: str | None = None  # of the list of rows in an object
    unread: tuple[str, ...] = ()  # the other keys of that object


ROW_A_LINE = JsonLayout()


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A JSON file to look at. `open`: its text as UTF-8; `head`: how that text begins."""

    name: str
    open: Callable[[], AbstractContextManager[Any]]
    head: bytes
    is_whole: bool  # whether `head` is all of it
    has_lines: bool  # whether its name says that each line is a row


def find_layout(file: JsonFile) -> JsonLayout:
    """How the rows of a file are laid out.

    Raises `GoldenSetError` if its first row is not JSON, or it is unclear where its rows are.
    """
    text = file.head.lstrip(_BLANKS)
    start = len(file.head) - len(text)
    line, line_end, rest = text.partition(b"\n")
    is_complete = bool(line_end) or file.is_whole
    line_number = file.head.count(b"\n", 0, start) + 1
    where = f"{file.name}:{line_number}"
    if not text:
        return ROW_A_LINE
    if text.startswith(b"["):
        if text[1:].lstrip(_BLANKS).startswith(b"{") and _begins_with_turn(text):
            return JsonLayout("values", start)  # each list is a conversation
        return _layout_of_list(file, where, line, rest, start)
    if is_complete:
        try:
            json.loads(line, parse_int=float)  # Python refuses integers of thousands of digits
        except (RecursionError, UnicodeDecodeError):
            return ROW_A_LINE  # parsing says so, with the place
        except ValueError as error:
            layout = _layout_of_broken_line(where, line, error)
            if layout is not None:
                return layout
        else:
            if rest.strip(_BLANKS) or not file.is_whole:
                return ROW_A_LINE
    if not text.startswith(b"{"):
        return ROW_A_LINE
    return _layout_of_object(file, start)


def _layout_of_list(file: JsonFile, where: str, line: bytes, rest: bytes, start: int) -> JsonLayout:
    try:
        json.loads(line)
    except RecursionError:
        return JsonLayout("list", start)
    except ValueError as error:
        row = line.rstrip(_BLANKS)
        if file.has_lines and row.endswith(b",") and _is_json(row[1:-1]):
            raise broken_row(where, _decode(row), error) from None
        return JsonLayout("list", start)
    return JsonLayout("values" if rest.lstrip(_BLANKS).startswith(b"[") else "list", start)


def _layout_of_broken_line(where: str, line: bytes, error: ValueError) -> JsonLayout | None:
    """The layout of rows whose first line is no row; None if the row may go on behind it.

    Raises `GoldenSetError` if it is just broken.
    """
    text = _decode(line)
    place = error.pos if isinstance(error, json.JSONDecodeError) else 0
    rest = text[place:].lstrip()
    if str(error).startswith("Extra data") and rest.startswith(("{", "[")):
        return JsonLayout("values")
    if text.startswith("{") and not rest and "Unterminated string" not in str(error):
        return None
    raise broken_row(where, text, error) from None


def _layout_of_object(file: JsonFile, start: int) -> JsonLayout:
    from sftdata.reading.json.columns import is_table  # NumPy loads slowly
    from sftdata.reading.json.outline import outline_object

    with file.open() as stream:
        outline = outline_object(stream)
    if outline is None:
        return JsonLayout("values", start)  # reading says in which row the file ends
    if outline.follows:
        is_line = outline.is_on_one_line and outline.follows_on_new_line
        return ROW_A_LINE if is_line else JsonLayout("values", start)
    as_row = JsonLayout("lines" if outline.is_on_one_line else "values", 0)
    if file.has_lines and outline.is_on_one_line:
        return as_row
    members = outline.members
    lists = [m for m in members if m.kind == "list" and m.first in ("object", "list")]
    if any(_holds_turns(file, member) for member in lists):
        return as_row
    if is_table(members, len(lists), _first_key(file, members)):
        return JsonLayout("columns")
    if len(lists) > 1:
        keys = ", ".join(f"'{escape(member.key)}'" for member in lists)
        first = escape(lists[0].key)
        raise GoldenSetError(
            f"{file.name}: the object holds several lists of rows: {keys}.",
            "Write each of them to a file of its own, for example: "
            f"jq '.[\"{first}\"]' FILE > {first}.json",
        )
    if not lists:
        return as_row
    unread = tuple(member.key for member in members if member.key != lists[0].key)
    return JsonLayout("list", lists[0].start, key=lists[0].key, unread=unread)


def _holds_turns(file: JsonFile, member: Member) -> bool:
    """Whether a list holds the turns of one conversation. Then the object is a row."""
    if member.first != "object":
        return False
    return _begins_with_turn(_peek(file, member.start))


def _begins_with_turn(text: bytes) -> bool:
    """Whether the first object in a list has the keys of a turn, itself and not in a value."""
    _, _, item = _TEXT_VALUE.sub(b":", text[:_PEEKED_BYTES]).partition(b"{")
    keys = _KEY.findall(_BRACKET.split(item)[0])
    return any(set(turn) <= set(keys) for turn in _TURN_KEYS)


def _first_key(file: JsonFile, members: Sequence[Member]) -> str:
    """The first key of the first member, if that is an object."""
    if not members or members[0].kind != "object":
        return ""
    found = _FIRST_KEY.match(_peek(file, members[0].start))
    return found[1].decode("utf-8", "replace") if found else ""


def _peek(file: JsonFile, start: int) -> bytes:
    position = 0
    with file.open() as stream:
        while position < start and (block := stream.read(min(start - position, 1 << 20))):
            position += len(block)
        return bytes(stream.read(_PEEKED_BYTES))


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace")
