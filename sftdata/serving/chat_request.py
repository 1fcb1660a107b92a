"""The turns of a request to a chat endpoint, where its chat template gives the prompt's ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sftdata.base.conversation import Conversation, Turn
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.serving.conversation import Question
from sftdata.serving.prompt import ServingPrompt
from sftdata.serving.recorded_prompt import PassportRenderer
from sftdata.tokenizing.chat.template import RefusedError

# The order of vLLM 0.32. A template that writes a call as JSON shows it.
_CALL_KEYS = ("arguments", "name")
_TOOL_KEYS = ("name", "description", "parameters")


def find_chat_request(
    renderer: PassportRenderer,
    prompt: ServingPrompt,
    row: Mapping[str, Any] | None,
    question: Question | None,
    *,
    template: str | None = None,
) -> dict[str, Any] | None:
    """`messages`, `tools` and `documents` in OpenAI's form; None if they give other ids.

    They do where the data holds text like a control token, where the chat template shows the date
    of the day, or takes or shows the turns in another form than servers give.
    """
    try:
        conversation = renderer.conversation(row, question, template=template)
    except ConversationFault:  # never after the prompt was rendered
        return None
    if conversation is None or renderer.chat_template.uses_date:
        return None
    shown = (_render_as_servers_do(renderer, conversation, ordered=o) for o in (False, True))
    if any(text != prompt.text for text in shown):
        return None
    if _tokenize(renderer, prompt.text) != prompt.input_ids:
        return None
    beside = {"tools": conversation.tools, "documents": conversation.documents}
    kept = {name: value for name, value in beside.items() if value is not None}
    return {"messages": [_to_openai(turn) for turn in conversation.turns], **kept}


def _render_as_servers_do(
    renderer: PassportRenderer, conversation: Conversation, *, ordered: bool
) -> str | None:
    """The text of the chat template; arguments of calls are objects, as servers parse them.

    `ordered`: with the keys of calls and tools in the order in which vLLM stores them.
    """
    messages, tools = [_with_text(turn) for turn in conversation.turns], conversation.tools
    if ordered:
        for message in messages:
            calls = message.get("tool_calls", ())
            message |= {"tool_calls": [_order(call, _CALL_KEYS) for call in calls]} if calls else {}
        tools = None if tools is None else [_order(tool, _TOOL_KEYS) for tool in tools]
    try:
        return renderer.chat_template.render(
            messages, tools=tools, documents=conversation.documents, generate=True
        )
    except RefusedError:
        return None


def _order(value: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """A call or a tool with the keys of its function in this order, before others."""
    function = value["function"]
    known = {key: function[key] for key in keys if key in function}
    return {**value, "function": known | function}


def _with_text(turn: Turn) -> dict[str, Any]:
    """The message with its content as one text, as servers hand it over."""
    return turn.to_message() | {"content": turn.text}


def _to_openai(turn: Turn) -> dict[str, Any]:
    """The message as an endpoint takes it: the arguments of calls are JSON text."""
    message = _with_text(turn)
    if turn.tool_calls:
        message["tool_calls"] = [
            call | {"function": call["function"] | {"arguments": _to_text(call)}}
            for call in turn.tool_calls
        ]
    return message


def _to_text(call: Mapping[str, Any]) -> str:
    arguments = call["function"]["arguments"]
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _tokenize(renderer: PassportRenderer, text: str) -> list[int]:
    """The ids that a server makes of the text that its chat template has rendered."""
    return list(renderer.tokenizer.decoder.encode(text, add_special_tokens=False).ids)
