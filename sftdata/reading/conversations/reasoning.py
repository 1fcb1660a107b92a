"""Reasoning: what the assistant thinks before it answers, in a key or in the content.

`<think>…</think>` at the start of a content is reasoning. White space before the block is nobody's.
The line breaks next to the two marks belong to the block, not to what stands in it or after it:
that is what chat templates (such as Qwen 3's) write around them, so they give the text back. Other
white space stays, so code keeps its indentation.
"""

from __future__ import annotations

import re

from sftdata.base.reasons import Reason
from sftdata.reading.conversations.faults import ConversationFault

OPEN, CLOSE = "<think>", "</think>"
# Reasoning whose opening mark was written by the generation prompt: the closing mark has a line
# of its own. Inside a line it is text about the mark.
_CLOSE_ALONE = re.compile(rf"(?:^|\n)[ \t]*{CLOSE}[ \t]*(?:\n|$)")


def split_reasoning(content: str, number: int) -> tuple[str | None, str]:
    """The reasoning at the start of a content, None if there is none, and the rest.

    Raises `ConversationFault` for a block that does not end.
    """
    start = content.lstrip()
    if not start.startswith(OPEN):
        alone = _CLOSE_ALONE.search(content) if CLOSE in content else None
        if alone is None or OPEN in content[: alone.start()]:
            return None, content
        return content[: alone.start()].strip("\n"), content[alone.end() :].lstrip("\n")
    inside, mark, rest = start.removeprefix(OPEN).partition(CLOSE)
    if not mark:
        detail = f"turn {number} opens {OPEN} and does not close it"
        raise ConversationFault(Reason.BAD_REASONING, detail)
    return inside.strip("\n"), rest.lstrip("\n")
