"""Turns: one message of any of the field's forms in, a `Turn` out. No key of it is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftdata.base.conversation import ASSISTANT, TOOL, Turn
from sftdata.base.reasons import Reason
from sftdata.reading.conversations.calls import Call, read_calls
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.reasoning import CLOSE, OPEN, split_reasoning
from sftdata.reading.conversations.roles import CALL, read_role
from sftdata.reading.conversations.values import is_arrow_map
from sftdata.reading.kinds import kind_of

_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
# OpenAI's `weight` is 0 or 1; the others are true or false.
_LOSS_KEYS = ("weight", "trainable", "train", "training", "train_on_turn", "loss")
_TEXT_PARTS = ("text", "input_text", "output_text")


def read_turn(item: Any, number: int, *, null_filled: bool, ignored: frozenset[str]) -> Turn:
    """The turn with this number, which counts from 1. Keys in `ignored` are left out.

    Raises `ConversationFault` for a turn that has no role or text that we know, and for a key
    that nothing reads.
    """
    rest = _to_dict(item, number)
    role = read_role(_take(rest, "role", "from"), number)
    value = _take(rest, "content", "value")
    content, reasoning = None, None
    calls: tuple[Call, ...] = ()
    if role == CALL:
        role, calls = ASSISTANT, read_calls(value, number, null_filled=null_filled)
    else:
        content = _read_content(value, number)
    if role == ASSISTANT:
        calls += _take_calls(rest, number, null_filled)
        reasoning = _take_reasoning(rest, number)
        if isinstance(content, str) and (OPEN in content or CLOSE in content):
            shown, content = split_reasoning(content, number)
            reasoning = _one_reasoning(reasoning, shown, number)
    call_id = rest.pop("tool_call_id", None) if role == TOOL else None
    name = None if "name" in ignored else rest.pop("name", None)
    in_loss = _take_in_loss(rest, role, number)
    for key, value in rest.items():
        if key not in ignored and value not in ("", [], {}):
            detail = f"turn {number}, of {role}, has the key '{key}', which nothing reads"
            raise ConversationFault(Reason.UNKNOWN_TURN_KEY, detail)
    return Turn(
        role,
        content,
        reasoning,
        calls,
        _label(call_id, "tool_call_id", number),
        _label(name, "name", number),
        in_loss,
    )


def is_call(item: Any) -> bool:
    """Whether a turn that was read is a call of a tool alone, which belongs to the turn before."""
    pairs = dict(item) if is_arrow_map(item) else item
    name = pairs.get("role") or pairs.get("from")
    return bool(read_role(name, 0) == CALL)


def _to_dict(item: Any, number: int) -> dict[str, Any]:
    """The keys of a turn that are not null."""
    pairs = item if is_arrow_map(item) else item.items() if isinstance(item, Mapping) else None
    if pairs is None:
        detail = f"turn {number} is {kind_of(item)}, not an object with a role and a text"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    if repeated := getattr(item, "repeated", None):
        detail = f"turn {number} has the key '{min(repeated)}' more than once"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    return {key: value for key, value in pairs if value is not None}


def _take(rest: dict[str, Any], *names: str) -> Any:
    """Removes and returns the value of the first key that is there."""
    return next((rest.pop(name) for name in names if name in rest), None)


def _read_content(value: Any, number: int) -> str | list[dict[str, Any]] | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        value = [value]  # a single part
    if not isinstance(value, list):
        detail = f"the content of turn {number} is {kind_of(value)}, not text"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    return [{"type": "text", "text": _read_part(part, number)} for part in value] or None


def _read_part(part: Any, number: int) -> str:
    if isinstance(part, str):
        return part
    rest = _to_dict(part, number)
    kind = rest.pop("type", "text" if "text" in rest else None)
    if kind not in _TEXT_PARTS:
        what = "without a type" if kind is None else f"of the type '{kind}'"
        detail = f"turn {number} has a part {what}; only text is known"
        raise ConversationFault(Reason.UNKNOWN_PART, detail)
    text = rest.pop("text", None)
    if not isinstance(text, str):
        detail = f"turn {number} has a text part whose text is {kind_of(text)}"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    for key, value in rest.items():
        if value not in ("", [], {}):
            detail = f"turn {number} has a part with the key '{key}', which nothing reads"
            raise ConversationFault(Reason.UNKNOWN_TURN_KEY, detail)
    return text


def _take_calls(rest: dict[str, Any], number: int, null_filled: bool) -> tuple[Call, ...]:
    found: tuple[Call, ...] = ()
    for key in ("tool_calls", "function_call"):  # the second is OpenAI's old form
        value = rest.pop(key, None)
        if value not in (None, "", [], {}):
            found += read_calls(value, number, null_filled=null_filled)
    return found


def _take_reasoning(rest: dict[str, Any], number: int) -> str | None:
    found: str | None = None
    for key in _REASONING_KEYS:
        value = rest.pop(key, None)
        if value is not None and not isinstance(value, str):
            detail = f"'{key}' of turn {number} is {kind_of(value)}, not text"
            raise ConversationFault(Reason.BAD_REASONING, detail)
        # Tables fill the key of turns without reasoning with "" as well as with null.
        found = _one_reasoning(found, value or None, number)
    return found


def _one_reasoning(first: str | None, second: str | None, number: int) -> str | None:
    """The reasoning that is there. Raises `ConversationFault` for two that differ."""
    if first and second and first.strip() != second.strip():
        detail = f"turn {number} has two different texts of reasoning"
        raise ConversationFault(Reason.BAD_REASONING, detail)
    return first or (second if second is not None else first)


def _take_in_loss(rest: dict[str, Any], role: str, number: int) -> bool | None:
    in_loss: bool | None = None
    for key in _LOSS_KEYS:
        value = rest.pop(key, None)
        if value is None:
            continue
        if value not in (0, 1) or not isinstance(value, (bool, int, float)):
            detail = f"'{key}' of turn {number} is {value!r}; a turn counts (1) or not (0)"
            raise ConversationFault(Reason.BAD_WEIGHT, detail)
        if role != ASSISTANT:
            # Tables have a weight of 1 in every turn; that is no wish to teach it.
            if value and key != "weight":
                detail = f"'{key}' is set on turn {number}, of {role}; only the assistant is taught"
                raise ConversationFault(Reason.BAD_WEIGHT, detail)
            continue
        if in_loss is not None and in_loss is not bool(value):
            detail = f"turn {number} is to count and not to count in the loss"
            raise ConversationFault(Reason.BAD_WEIGHT, detail)
        if key != "weight" or not value:  # a weight of 1 is what every turn has by default
            in_loss = bool(value)
    return in_loss


def _label(value: Any, key: str, number: int) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        detail = f"'{key}' of turn {number} is {kind_of(value)}, not text"
        raise ConversationFault(Reason.BAD_MESSAGES, detail)
    return str(value)
