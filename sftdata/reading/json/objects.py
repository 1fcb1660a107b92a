"""JSON objects that give a key more than once: which value is meant cannot be known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Pairs = Sequence[tuple[str, Any]]  # as `json.loads` gives them to an `object_pairs_hook`


class JsonObject(dict[str, Any]):
    """A JSON object and its repeated keys, for a row: only keys that are read must be unique."""

    repeated: frozenset[str] = frozenset()

    @classmethod
    def from_pairs(cls, pairs: Pairs) -> JsonObject:
        """The object with these keys and values."""
        made = cls(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            made.repeated = frozenset(name for name in names if names.count(name) > 1)
        return made


def unique_object(pairs: Pairs) -> dict[str, Any]:
    """The object with these keys and values. Raises `ValueError` for a key that occurs twice."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise repeated_key(JsonObject.from_pairs(pairs))
    return made


def repeated_key(value: JsonObject) -> ValueError:
    """The error for an object with repeated keys."""
    return ValueError(f"the key '{min(value.repeated)}' stands in an object more than once")
