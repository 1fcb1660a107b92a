"""The shape of a manifest: which keys have which types, checked before anything reads them.

A manifest may come from anywhere. Its paths lead nowhere else than into its own folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

Check = Callable[[str, Any], Iterator[str]]  # place and value → faults


def find_shape_faults(content: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the keys of a manifest of a version that we read; a line each."""
    yield from _object(_KEYS, _OPTIONAL)("", content)


def is_inside(path: str) -> bool:
    """Whether a path of a manifest stays in its dataset, links aside."""
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


_TEXT = _is(lambda value: isinstance(value, str), "text")
_FLAG = _is(lambda value: isinstance(value, bool), "true or false")
_COUNT = _is(_is_count, "a whole number")
_ID = _is(lambda value: value is None or _is_count(value), "a token id or null")
_DIGEST = _is(
    lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None,
    "a sha256",
)
_FILE_NAME = _is(
    lambda value: isinstance(value, str) and is_inside(value) and "/" not in value, "a plain name"
)
_PATH = _is(lambda value: isinstance(value, str) and is_inside(value), "a path inside the dataset")
_ANY = _is(lambda value: isinstance(value, dict), "an object")


def _or_null(check: Check) -> Check:
    return lambda place, value: iter(()) if value is None else check(place, value)


def _list(check: Check) -> Check:
    def check_list(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"'{place}' is {_shown(value)}, not a list"
            return
        for index, item in enumerate(value):
            yield from check(f"{place}[{index}]", item)

    return check_list


def _map(check: Check, key: Check = _TEXT) -> Check:
    def check_map(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"'{place}' is {_shown(value)}, not an object"
            return
        for name, item in value.items():
            yield from key(place, name)
            yield from check(f"{place}.{name}", item)

    return check_map


def _object(keys: Mapping[str, Check], optional: Mapping[str, Check] = {}) -> Check:
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


_SHARD = _object(
    {
        "path": _PATH, "rows": _COUNT, "tokens": _COUNT, "target_tokens": _COUNT,
        "bytes": _COUNT, "sha256": _DIGEST,
    },
    {"xxh3": _TEXT, "batch_rows": _list(_COUNT)},
)  # fmt: skip
_TOKENS = _object({"rows": _COUNT, "tokens": _COUNT, "target_tokens": _COUNT})
_KEYS: Mapping[str, Check] = {
    "version": _COUNT,
    "build": _FILE_NAME,
    "task": _TEXT,
    "draft": _FLAG,
    "template": _map(_DIGEST),
    "tokenizer": _object(
        {"name": _TEXT, "sha256": _TEXT, "vocab_size": _COUNT, "eos_id": _COUNT},
        {
            "bos_id": _ID, "pad_id": _ID, "text_tokens": _list(_TEXT),
            "chat_template": _or_null(_TEXT),
        },
    ),
    "sources": _list(
        _object(
            {"path": _TEXT, "rows": _COUNT, "sha256": _TEXT},
            {"bytes": _or_null(_COUNT), "split": _TEXT, "split_column": _TEXT, "part": _FILE_NAME},
        )
    ),
    "options": _ANY,
    "splits": _map(_object({"shards": _list(_SHARD)}), _FILE_NAME),
    "rows_in": _COUNT,
    "rows_out": _COUNT,
    "dropped": _map(_COUNT),
    "cut": _COUNT,
    "certificate": _object({"rows": _COUNT, "prompt_equal": _COUNT, "whole_text_equal": _COUNT}),
    "stats": _object(
        {"tokens": _COUNT, "target_tokens": _COUNT},
        {"splits": _map(_TOKENS), "by_template": _map(_TOKENS), "by_task": _map(_TOKENS)},
    ),
}  # fmt: skip
_OPTIONAL: Mapping[str, Check] = {
    "sftdata": _TEXT,
    "chat": _or_null(
        _object(
            {},
            {
                "template_sha256": _TEXT, "end_id": _COUNT, "options": _ANY, "date": _TEXT,
                "stop_ids": _list(_COUNT),
            },
        )
    ),
    "spec": _or_null(_object({}, {"sources": _list(_object({"name": _FILE_NAME}))})),
    "shots": _or_null(_ANY),
    "files": _map(_object({"bytes": _COUNT, "sha256": _DIGEST}), _PATH),
    "repeated": _COUNT,
    "flagged": _map(_COUNT),
    "unread": _map(_list(_TEXT)),
    "examples": _map(_map(_TEXT)),
}  # fmt: skip
