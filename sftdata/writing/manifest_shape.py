"""Check the keys and types of a manifest before anything reads it.

A manifest may come from anywhere, so its paths must lie in its own folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sftdata.base.json_types import (
    COUNT,
    DIGEST,
    FILE_NAME,
    FLAG,
    OBJECT,
    PATH,
    TEXT,
    TOKEN_ID,
    Check,
    list_of,
    map_of,
    object_of,
    or_null,
)  # fmt: skip


def find_shape_faults(content: Mapping[str, Any]) -> Iterator[str]:
    """The faults in keys and types of a manifest of a known version, a line each."""
    yield from object_of(_KEYS, _OPTIONAL)("", content)


_SHARD = object_of(
    {
        "path": PATH, "rows": COUNT, "tokens": COUNT, "target_tokens": COUNT,
        "bytes": COUNT, "sha256": DIGEST,
    },
    {"xxh3": TEXT, "batch_rows": list_of(COUNT), "piece_xxh3": TEXT},
)  # fmt: skip
_TOKENS = object_of({"rows": COUNT, "tokens": COUNT, "target_tokens": COUNT})
_KEYS: Mapping[str, Check] = {
    "version": COUNT,
    "build": FILE_NAME,
    "task": TEXT,
    "draft": FLAG,
    "template": map_of(DIGEST),
    "tokenizer": object_of(
        {"name": TEXT, "sha256": TEXT, "vocab_size": COUNT, "eos_id": COUNT},
        {
            "bos_id": TOKEN_ID, "pad_id": TOKEN_ID, "text_tokens": list_of(TEXT),
            "chat_template": or_null(TEXT),
        },
    ),
    "sources": list_of(
        object_of(
            {"path": TEXT, "rows": COUNT, "sha256": TEXT},
            {
                "bytes": or_null(COUNT), "split": TEXT, "split_column": TEXT, "part": FILE_NAME,
                "version": TEXT,
            },
        )
    ),
    "options": object_of(
        {},
        {
            "max_length": or_null(COUNT), "shots": list_of(COUNT),
            "chat_template": or_null(TEXT),
        },
    ),
    "splits": map_of(object_of({"shards": list_of(_SHARD)}), FILE_NAME),
    "rows_in": COUNT,
    "rows_out": COUNT,
    "dropped": map_of(COUNT),
    "cut": COUNT,
    "certificate": object_of({"rows": COUNT, "prompt_equal": COUNT, "whole_text_equal": COUNT}),
    "stats": object_of(
        {"tokens": COUNT, "target_tokens": COUNT},
        {"splits": map_of(_TOKENS), "by_template": map_of(_TOKENS), "by_task": map_of(_TOKENS)},
    ),
}  # fmt: skip
_OPTIONAL: Mapping[str, Check] = {
    "sftdata": TEXT,
    "chat": or_null(
        object_of(
            {},
            {
                "template_sha256": TEXT, "end_id": COUNT, "options": OBJECT, "date": TEXT,
                "stop_ids": list_of(COUNT),
            },
        )
    ),
    "spec": or_null(object_of({}, {"sources": list_of(object_of({"name": FILE_NAME}))})),
    "shots": or_null(OBJECT),
    "files": map_of(object_of({"bytes": COUNT, "sha256": DIGEST}), PATH),
    "repeated": COUNT,
    "flagged": map_of(COUNT),
    "unread": map_of(list_of(TEXT)),
    "examples": map_of(map_of(TEXT)),
}  # fmt: skip
