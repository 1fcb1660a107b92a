"""Calls of tools: `tool_calls` of the assistant in one form, whatever form they were stored in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftdata.base.reasons import Reason
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.values import is_arrow_map, parse_json, to_plain
from sftdata.reading.kinds import kind_of

Call = dict[str, Any]

_NO_ARGUMENTS = ("", None)


def read_calls(value: Any, number: int, *, null_filled: bool) -> tuple[Call, ...]:
    """The calls of a turn: a list, one call alone, or the JSON text of either.

    A call is `{"id", "type", "function": {"name", "arguments"}}`, or flat `{"name", "arguments"}`.
    Raises `ConversationFault` for anything else.
    """
    if isinstance(value, str):
        value = _parse(value, number)
    if isinstance(value, Mapping) or is_arrow_map(value):
        value = [value]
    if not isinstance(value, list):
        raise _fault(number, f"is {kind_of(value)}, not an object with a name and arguments")
    return tuple(_read_call(item, number, null_filled) for item in value)


def _read_call(value: Any, number: int, null_filled: bool) -> Call:
    if isinstance(value, str):
        value = _parse(value, number)
    try:
        value = to_plain(value, null_filled=null_filled)
    except ValueError as error:
        raise _fault(number, f"cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise _fault(number, f"is {kind_of(value)}, not an object with a name and arguments")
    rest = {key: item for key, item in value.items() if item is not None}
    call_id, kind = rest.pop("id", None), rest.pop("type", "function")
    function = rest.pop("function") if isinstance(rest.get("function"), dict) else rest
    if function is not rest and rest:
        raise _unknown(number, min(rest))
    function = dict(function)
    name, arguments = function.pop("name", None), function.pop("arguments", None)
    if function:
        raise _unknown(number, min(function))
    if kind != "function":
        raise _fault(number, f"is of the type '{kind}'; only 'function' is known")
    if not isinstance(name, str) or not name:
        raise _fault(number, "has no name")
    call: Call = {"id": str(call_id)} if call_id not in ("", None) else {}
    arguments = _read_arguments(arguments, number)
    return call | {"type": "function", "function": {"name": name, "arguments": arguments}}


def _read_arguments(value: Any, number: int) -> dict[str, Any] | str:
    """Arguments as an object; as the text they are where that is not the JSON of an object.

    Servers give templates the object, too, and a template writes it in its own way.
    """
    if value in _NO_ARGUMENTS:
        return {}
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise _fault(number, f"has {kind_of(value)} for arguments, not an object")
    try:
        parsed = to_plain(parse_json(value), null_filled=False)
    except ValueError:
        return value
    return parsed if isinstance(parsed, dict) else value


def _parse(text: str, number: int) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise _fault(number, f"is text that is not JSON: {error}") from error


def _fault(number: int, what: str) -> ConversationFault:
    return ConversationFault(Reason.BAD_TOOL_CALL, f"the tool call of turn {number} {what}")


def _unknown(number: int, key: str) -> ConversationFault:
    detail = f"the tool call of turn {number} has the key '{key}', which nothing reads"
    return ConversationFault(Reason.UNKNOWN_TURN_KEY, detail)
