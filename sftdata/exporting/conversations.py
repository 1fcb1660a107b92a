"""Conversations as JSON lines in OpenAI's form, which `sftdata build` reads back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.conversation import ASSISTANT, dump_json
from sftdata.base.wording import count
from sftdata.loading.conversations import ConversationRow


@dataclass
class LossyCounts:
    """Rows with something that not every trainer reads from messages."""

    rows: int = 0
    untaught: int = 0  # with an answer that is not in the loss
    reasoning: int = 0
    tools: int = 0  # with tools or calls

    def add(self, row: ConversationRow) -> None:
        """Counts a row."""
        turns = row.conversation.turns
        answers = {at for at, turn in enumerate(turns) if turn.role == ASSISTANT}
        self.rows += 1
        self.untaught += bool(answers - row.taught)
        self.reasoning += any(turn.reasoning is not None for turn in turns)
        self.tools += row.conversation.tools is not None or any(t.tool_calls for t in turns)

    @property
    def note(self) -> str | None:
        """Names parts that a trainer may not read; None where all turns are plain and taught."""
        named = {
            "answers that are not in the loss (`weight: 0`)": self.untaught,
            "reasoning (`reasoning_content`)": self.reasoning,
            "tools or calls (`tools`, `tool_calls`)": self.tools,
        }
        found = [f"{number:,} have {name}" for name, number in named.items() if number]
        if not found:
            return None
        example = " TRL, for one, trains on answers with `weight: 0`." if self.untaught else ""
        return (
            f"Of {count(self.rows, 'row')}, {', '.join(found)}. Not every trainer reads these."
            f"{example} A format of token ids keeps the loss as it is here."
        )


def write_conversations(
    rows: Iterable[ConversationRow], splits: list[str], out: Path
) -> LossyCounts:
    """Write a JSONL file for each split, in OpenAI's form, with `id`, `tools` and `documents`.

    Arguments of calls are JSON text. An answer that is not in the loss has the weight 0.
    """
    counts = LossyCounts()
    with ExitStack() as stack:
        files = {
            name: stack.enter_context((out / f"{name}.jsonl").open("w", encoding="utf-8"))
            for name in splits
        }
        for row in rows:
            counts.add(row)
            files[row.split].write(dump_json(_to_line(row)) + "\n")
    return counts


def _to_line(row: ConversationRow) -> dict[str, Any]:
    messages = []
    for at, turn in enumerate(row.conversation.turns):
        message = turn.to_message()
        if turn.tool_calls:
            message["tool_calls"] = [_to_call(call) for call in turn.tool_calls]
        if turn.role == ASSISTANT and at not in row.taught:
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
