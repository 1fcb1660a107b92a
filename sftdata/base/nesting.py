"""Limit how deeply values are nested: code that walks through them calls itself for each level."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 100
TOO_DEEP = f"it is nested in more than {MAX_DEPTH} levels"
_NESTED = (dict, list, tuple)


def check_depth(value: Any) -> None:
    """Raises `ValueError` for lists and objects in more than `MAX_DEPTH` levels."""
    level = [value] if isinstance(value, _NESTED) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        items = [item for held in level for item in _items(held)]
        level = [item for item in items if isinstance(item, _NESTED)]
    if level:
        raise ValueError(TOO_DEEP)


def _items(held: Any) -> Iterable[Any]:
    return held.values() if isinstance(held, dict) else held
