"""Repairs: what a spec may ask to be done with turns out of order. Each is a ledger line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sftdata.base.conversation import ASSISTANT, DEVELOPER, SYSTEM, TOOL, USER, Turn
from sftdata.base.reasons import Reason, Status
from sftdata.base.wording import count

BETWEEN = "\n\n"  # two contents that are merged

Repair = tuple[Status, Reason, str]


@dataclass(frozen=True, slots=True)
class Repairs:
    """The repairs that a spec asks for."""

    drop_trailing_user: bool = False
    drop_leading_assistant: bool = False
    merge_same_role: bool = False

    def apply(self, turns: Sequence[Turn]) -> tuple[list[Turn], list[Repair]]:
        """The turns after the repairs, and what was done."""
        kept, done = list(turns), list[Repair]()
        if self.drop_leading_assistant:
            kept = _drop_leading(kept, done)
        if self.drop_trailing_user:
            kept = _drop_trailing(kept, done)
        if self.merge_same_role:
            kept = _merge(kept, done)
        return kept, done


def _drop_leading(turns: list[Turn], done: list[Repair]) -> list[Turn]:
    """Without the turns of assistant and tools before the first user's."""
    first = next((at for at, turn in enumerate(turns) if turn.role == USER), 0)
    head = [turn for turn in turns[:first] if turn.role not in (ASSISTANT, TOOL)]
    if len(head) < first:
        detail = f"{count(first - len(head), 'turn')} before the user's first left out"
        done.append((Status.CUT, Reason.LEADING_ASSISTANT, detail))
    return head + turns[first:]


def _drop_trailing(turns: list[Turn], done: list[Repair]) -> list[Turn]:
    """Without the turns of user and system after the last answer."""
    end = len(turns)
    while end and turns[end - 1].role in (USER, SYSTEM, DEVELOPER):
        end -= 1
    if not end or end == len(turns):
        return turns
    detail = f"{count(len(turns) - end, 'turn')} after the last answer left out"
    done.append((Status.CUT, Reason.TRAILING_USER, detail))
    return turns[:end]


def _merge(turns: list[Turn], done: list[Repair]) -> list[Turn]:
    """With turns of the same speaker joined, where nothing of them changes its place."""
    merged: list[Turn] = []
    for turn in turns:
        joined = join_turns(merged[-1], turn, BETWEEN) if merged else None
        if joined is None:
            merged.append(turn)
        else:
            merged[-1] = joined
    if len(merged) < len(turns):
        detail = f"{len(turns)} turns became {len(merged)}"
        done.append((Status.FLAGGED, Reason.MERGED_TURNS, detail))
    return merged


def join_turns(first: Turn, second: Turn, between: str) -> Turn | None:
    """Two turns of user or assistant as one; None where they cannot be.

    The assistant thinks, then speaks, then calls tools: two turns are joined in this order only.
    """
    if first.role != second.role or first.role not in (USER, ASSISTANT):
        return None
    if (first.name, first.in_loss) != (second.name, second.in_loss):
        return None
    if second.reasoning and (first.text or first.tool_calls or first.reasoning):
        return None
    if second.text and first.tool_calls:
        return None
    if not (
        isinstance(first.content, (str, type(None)))
        and isinstance(second.content, (str, type(None)))
    ):
        return None
    contents = [content for content in (first.content, second.content) if content]
    return replace(
        first,
        content=between.join(contents) if contents else first.content,
        reasoning=second.reasoning if second.reasoning else first.reasoning,
        tool_calls=first.tool_calls + second.tool_calls,
    )
