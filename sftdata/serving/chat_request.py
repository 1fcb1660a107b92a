"""The turns of a request to a chat endpoint, where its chat template gives the prompt's ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sftdata.base.conversation import Conversation, Turn
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.serving.conversation import Question
from sftdata.serving.prompt import ServingPrompt
from sftdata.serving.recorded_prompt import PassportRenderer
from sftdata.tokenizing.chat.template import RefusedError


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
    of the day, or takes the turns in a form that servers do not give it.
    """
    try:
        conversation = renderer.conversation(row, question, template=template)
    except ConversationFault:  # never after the prompt was rendered
        return None
    if conversation is None or renderer.chat_template.uses_date:
        return None
    if _render_as_servers_do(renderer, conversation) != prompt.text:
        return None
    if _tokenize(renderer, prompt.text) != prompt.input_ids:
        return None
    beside = {"tools": conversation.tools, "documents": conversation.documents}
    kept = {name: value for name, value in beside.items() if value is not None}
    return {"messages": [_to_openai(turn) for turn in conversation.turns], **kept}


def _render_as_servers_do(renderer: PassportRenderer, conversation: Conversation) -> str | None:
    """The text of the chat template; arguments of calls are objects, as servers parse them."""
    try:
        return renderer.chat_template.render(
            [_with_text(turn) for turn in conversation.turns],
            tools=conversation.tools,
            documents=conversation.documents,
            generate=True,
        )
    except RefusedError:
        return None


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
