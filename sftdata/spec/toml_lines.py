"""Find the line of a TOML file where a key stands, for messages about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_LONG = re.compile(r'"""|\'\'\'')
_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]")
_NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")


def find_line(text: str, keys: Sequence[str | int]) -> int | None:
    """The line, from 1, of the key or of the nearest key around it; None if none is in the text.

    A number counts the tables of an array: `("sources", 0, "weight")`.
    """
    best, found = 0, None
    for number, path in _all_keys(text):
        if len(path) > best and path == tuple(keys[: len(path)]):
            best, found = len(path), number
    return found


@lru_cache(maxsize=2)
def _all_keys(text: str) -> tuple[tuple[int, tuple[str | int, ...]], ...]:
    """`_keys`, kept for the next fault of the same file."""
    return tuple(_keys(text))


def _keys(text: str) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str | int, ...], int] = {}
    depth, is_long = 0, False  # inside a list over several lines, or a text over several lines
    for number, line in enumerate(text.split("\n"), 1):
        marks = len(_LONG.findall(line))
        was_long, is_long = is_long, is_long ^ bool(marks % 2)
        if was_long:
            continue
        bare = _QUOTED.sub("", line).partition("#")[0]
        if depth == 0 and (header := _HEADER.match(line)):
            table = _split(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                yield number, table
                table = (*table, counts[table])
            yield number, table
            continue
        if depth == 0 and (key := _KEY.match(line)):
            yield number, (*table, *_split(key[1]))
        depth += sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))


def _split(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_NAME, name))
