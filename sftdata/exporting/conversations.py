"""Conversations as JSON lines in OpenAI's form, which `sftdata build` reads back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sftdata.base.conversation import dump_json
from sftdata.loading.conversations import ConversationRow


def write_conversations(rows: Iterable[ConversationRow], splits: list[str], out: Path) -> None:
    """Write a JSONL file for each split, in OpenAI's form, with `id`, `tools` and `documents`.

    Arguments of calls are JSON text. An answer that is not in the loss has the weight 0.
    """
    with ExitStack() as stack:
        files = {
            name: stack.enter_context((out / f"{name}.jsonl").open("w", encoding="utf-8"))
            for name in splits
        }
        for row in rows:
            files[row.split].write(json.dumps(_to_line(row), ensure_ascii=False) + "\n")


def _to_line(row: ConversationRow) -> dict[str, Any]:
    messages = []
    for at, turn in enumerate(row.conversation.turns):
        message = turn.to_message()
        if turn.tool_calls:
            message["tool_calls"] = [_to_call(call) for call in turn.tool_calls]
        if turn.role == "assistant" and at not in row.taught:
            message["weight"] = 0
        messages.append(message)
    beside = {"tools": row.conversation.tools, "documents": row.conversation.documents}
    kept = {name: value for name, value in beside.items() if value is not None}
    return {"id": row.row_id, "messages": messages} | kept


def _to_call(call: Mapping[str, Any]) -> dict[str, Any]:
    """The call with its arguments as JSON text, as OpenAI writes them."""
    function = dict(call["function"])
    if not isinstance(function["arguments"], str):
        function["arguments"] = dump_json(function["arguments"])
    return {**call, "function": function}
