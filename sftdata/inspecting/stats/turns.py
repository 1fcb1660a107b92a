"""Statistics of conversations: by role, and by number of turns.

Ids don't say who speaks, so the conversations are read again from their sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sftdata.base.arrow import texts
from sftdata.base.conversation import ASSISTANT, ROLES, Turn, dump_json
from sftdata.base.schema import row_lengths
from sftdata.errors import SftdataError
from sftdata.inspecting.conversations import read_conversations
from sftdata.inspecting.stats.lengths import LengthCounts
from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer

REASONING, ANSWER, CALLS = (f"{ASSISTANT} {part}" for part in ("reasoning", "answer", "calls"))
NO_TURNS = "none"  # the group of rows that are no conversations
_ROWS_AT_A_TIME = 500
_MOST_ALONE = 8  # turns; from here on a group spans a range


def count_roles(data: Dataset) -> dict[str, dict[str, Any]]:
    """The number of turns and of tokens of each role, and of each part of the assistant's turns.

    Each text is encoded alone, a call as its name and arguments in JSON; the chat template's own
    text is not counted. Raises `SftdataError` where a source is gone.
    """
    _check(data)
    encoder = load_encoder(load_recorded_tokenizer(data.manifest["tokenizer"]), REFERENCE)
    turns, tokens = Counter[str](), Counter[str]()
    conversations = read_conversations(data)
    while rows := list(islice(conversations, _ROWS_AT_A_TIME)):
        parts = [part for row in rows for turn in row.conversation.turns for part in _parts(turn)]
        lengths = encoder.encode_prompts(texts([text for _, text in parts])).lengths.tolist()
        turns.update(role for role, _ in parts)
        for (role, _), length in zip(parts, lengths, strict=True):
            tokens[role] += length
    order = (*(role for role in ROLES if role != ASSISTANT), REASONING, ANSWER, CALLS)
    return {role: {"turns": turns[role], "tokens": tokens[role]} for role in order if turns[role]}


def group_by_turns(data: Dataset) -> dict[str, dict[str, Any]]:
    """For each number of turns the lengths of its rows, and how many turns are in the loss.

    Above `_MOST_ALONE` turns a group spans a range, such as `9-16`.
    """
    _check(data)
    group_of: dict[tuple[str, str], str] = {}
    taught = Counter[str]()
    order: dict[str, int] = {}
    for row in read_conversations(data):
        name, first = _name_group(len(row.conversation.turns))
        group_of[row.split, row.row_id] = name
        order[name] = first
        taught[name] += len(row.taught)
    groups: dict[str, LengthCounts] = {}
    for split, table in data.items():
        for batch in table.to_arrow().to_batches():
            ids = batch.column("row_id").to_pylist()
            names = [group_of.get((split, row_id), NO_TURNS) for row_id in ids]
            lengths = row_lengths(batch)
            for name in dict.fromkeys(names):
                own = [at for at, other in enumerate(names) if other == name]
                groups.setdefault(name, LengthCounts()).add_rows(lengths[own])
    return {
        name: {"taught_turns": taught[name], **groups[name].summarize()}
        for name in sorted(groups, key=lambda name: order.get(name, 0))
    }


def _check(data: Dataset) -> None:
    if not data.manifest.holds_conversations:
        raise SftdataError(
            f"{data.manifest.directory} holds no conversations, so it has no roles and turns.",
            "Group by split, task, template or source.",
            code="E706",
        )


def _parts(turn: Turn) -> Iterator[tuple[str, str]]:
    """The texts of a turn, each with its role."""
    if turn.reasoning:
        yield REASONING, turn.reasoning
    if turn.text:
        yield ANSWER if turn.role == ASSISTANT else turn.role, turn.text
    if turn.tool_calls:
        calls = [call["function"] for call in turn.tool_calls]
        yield CALLS, "\n".join(map(dump_json, calls))


def _name_group(turns: int) -> tuple[str, int]:
    """The name of the group of a number of turns, and its smallest number."""
    if turns <= _MOST_ALONE:
        return str(turns), turns
    last = 2 ** (turns - 1).bit_length()
    return f"{last // 2 + 1}-{last}", last // 2 + 1
