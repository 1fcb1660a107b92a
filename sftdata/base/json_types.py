"""Check the keys and types of JSON that may come from anywhere.

A check yields a line for each fault, with its place, such as `splits.train.shards[0].rows`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

Check = Callable[[str, Any], Iterator[str]]  # place and value → faults


def is_inside(path: str) -> bool:
    """Whether a relative path stays in its folder, links aside."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\0" not in path


def _is(test: Callable[[Any], bool], wanted: str) -> Check:
    def check(place: str, value: Any) -> Iterator[str]:
        if not test(value):
            yield f"'{place}' is {_shown(value)}, not {wanted}"

    return check


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


TEXT = _is(lambda value: isinstance(value, str), "text")
FLAG = _is(lambda value: isinstance(value, bool), "true or false")
COUNT = _is(_is_count, "a whole number")
NUMBER = _is(lambda value: isinstance(value, float) or _is_count(value), "a number")
TOKEN_ID = _is(lambda value: value is None or _is_count(value), "a token id or null")
DIGEST = _is(
    lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None,
    "a sha256",
)
FILE_NAME = _is(
    lambda value: isinstance(value, str) and is_inside(value) and "/" not in value, "a plain name"
)
PATH = _is(lambda value: isinstance(value, str) and is_inside(value), "a path inside its folder")
OBJECT = _is(lambda value: isinstance(value, dict), "an object")


def matching(pattern: str, wanted: str) -> Check:
    """A text that the ASCII pattern matches from start to end."""
    whole = re.compile(pattern, re.ASCII)
    return _is(lambda value: isinstance(value, str) and bool(whole.fullmatch(value)), wanted)


def or_null(check: Check) -> Check:
    """null, or what `check` wants."""
    return lambda place, value: iter(()) if value is None else check(place, value)


def list_of(check: Check) -> Check:
    """A list whose items pass `check`."""

    def check_list(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"'{place}' is {_shown(value)}, not a list"
            return
        for index, item in enumerate(value):
            yield from check(f"{place}[{index}]", item)

    return check_list


def map_of(check: Check, key: Check = TEXT) -> Check:
    """An object with any keys, whose names pass `key` and whose values pass `check`."""

    def check_map(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"'{place}' is {_shown(value)}, not an object"
            return
        for name, item in value.items():
            yield from key(place, name)
            yield from check(f"{place}.{name}", item)

    return check_map


def object_of(keys: Mapping[str, Check], optional: Mapping[str, Check] = {}) -> Check:
    """An object with these keys. Others are not looked at."""

    def check_object(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"'{place}' is {_shown(value)}, not an object"
            return
        for name, check in {**keys, **optional}.items():
            below = f"{place}.{name}" if place else name
            if name in value:
                yield from check(below, value[name])
            elif name in keys:
                yield f"it has no '{below}'"

    return check_object
