"""The columns beside the turns of a conversation: `tools` and `documents`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftdata.base.reasons import Reason
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.values import is_arrow_map, parse_json, to_plain
from sftdata.reading.kinds import kind_of

Objects = list[dict[str, Any]]


def read_tools(value: Any, *, null_filled: bool) -> Objects | None:
    """The tools as `{"type": "function", "function": {…}}`; None for none.

    They are a list of objects or of JSON texts, one alone, or the JSON text of either. Raises
    `ConversationFault` for anything else.
    """
    tools = _read_objects("tools", value, null_filled)
    return [_wrap(tool, number) for number, tool in enumerate(tools, 1)] or None


def read_documents(value: Any, *, null_filled: bool) -> Objects | None:
    """The documents to answer from, as objects; None for none.

    They are stored as tools are. Raises `ConversationFault` for anything else.
    """
    return _read_objects("documents", value, null_filled) or None


def _read_objects(name: str, value: Any, null_filled: bool) -> Objects:
    if value is None:
        return []
    if isinstance(value, str):
        value = _parse(name, value) if value.strip() else []
        null_filled = False  # JSON text says null where it means it
    if isinstance(value, Mapping) or is_arrow_map(value):
        value = [value]
    if not isinstance(value, list):
        raise _fault(f"'{name}' is {kind_of(value)}, not a list of objects")
    found: Objects = []
    for number, item in enumerate(value, 1):
        is_text = isinstance(item, str)
        try:
            parsed = _parse(name, item) if is_text else item
            item = to_plain(parsed, null_filled=null_filled and not is_text)
        except ValueError as error:
            raise _fault(f"'{name}' cannot be read: {error}") from error
        if not isinstance(item, dict):
            raise _fault(f"item {number} of '{name}' is {kind_of(item)}, not an object")
        found.append(item)
    return found


def _wrap(tool: dict[str, Any], number: int) -> dict[str, Any]:
    """The tool with its function in a wrapper, as templates expect it."""
    function = tool.get("function")
    if function is None and "name" in tool:
        function = {key: item for key, item in tool.items() if (key, item) != ("type", "function")}
        tool = {"type": "function", "function": function}
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _fault(f"tool {number} of 'tools' is not a function with a name")
    return tool if "type" in tool else {"type": "function", **tool}


def _parse(name: str, text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise _fault(f"'{name}' is text that is not JSON: {error}") from error


def _fault(detail: str) -> ConversationFault:
    return ConversationFault(Reason.BAD_TOOLS, detail)
