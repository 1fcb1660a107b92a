"""Forms: the ways a list of turns is stored, undone. What a turn may look like is in `turns`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftdata.base.reasons import Reason
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.values import is_arrow_map, parse_json
from sftdata.reading.kinds import kind_of


def to_items(value: Any, name: str) -> list[Any]:
    """The turns in a value: a list, its JSON text, or an object of lists.

    The last is how a table of turns is saved: `{"role": ["user", …], "content": ["Hi", …]}`.
    Raises `ConversationFault` for anything else; `name` is the column.
    """
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError as error:
            detail = f"'{name}' is text that is not a JSON list of turns: {error}"
            raise ConversationFault(Reason.BAD_MESSAGES, detail) from error
    if is_arrow_map(value):
        value = dict(value)
    if isinstance(value, Mapping):
        value = _transpose(value, name)
    if not isinstance(value, list):
        detail = f"'{name}' is {kind_of(value)}, not a list of turns"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    return value


def _transpose(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    columns = {key: items for key, items in value.items() if items is not None}
    lengths = {len(items) if isinstance(items, list) else -1 for items in columns.values()}
    if -1 in lengths or len(lengths) > 1:
        detail = f"'{name}' is an object, not a list of turns"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    return [dict(zip(columns, items, strict=True)) for items in zip(*columns.values(), strict=True)]
