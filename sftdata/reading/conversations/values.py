"""Values: nested values of a source row as JSON holds them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sftdata.base.nesting import TOO_DEEP, check_depth
from sftdata.reading.json.objects import JsonObject, repeated_key, unique_object


def parse_json(text: str) -> Any:
    """The value of a JSON text, with integers of any size. Raises `ValueError` for other text.

    An object that gives a key twice is refused: which of the two is meant cannot be known.
    """
    try:
        value = json.loads(text, object_pairs_hook=unique_object, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    check_depth(value)
    return value


def to_plain(value: Any, *, null_filled: bool) -> Any:
    """A value as JSON holds it: Arrow's maps become objects.

    With `null_filled` the nulls in objects are left out: a table has every key in every row.
    Raises `ValueError` for a value that JSON has no form for, that is nested too deeply, and for a
    key that occurs twice.
    """
    check_depth(value)
    return _to_plain(value, null_filled)


def _to_plain(value: Any, null_filled: bool) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if is_arrow_map(value):
        value = unique_object(value)
    if isinstance(value, Mapping):
        if isinstance(value, JsonObject) and value.repeated:
            raise repeated_key(value)
        return {
            str(key): _to_plain(item, null_filled)
            for key, item in value.items()
            if item is not None or not null_filled
        }
    if isinstance(value, (list, tuple)):
        return [_to_plain(item, null_filled) for item in value]
    raise ValueError(f"{value!r} is not a value of JSON")


def is_arrow_map(value: Any) -> bool:
    """Whether the value is a map as Arrow gives it to Python: a list of key-value tuples."""
    return (
        isinstance(value, list) and bool(value) and all(isinstance(item, tuple) for item in value)
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a value of JSON")
