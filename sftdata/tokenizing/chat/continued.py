"""Continue the prompt that a server feeds, where the template shows earlier turns otherwise.

Some templates change the text before an answer once the answer is there: Mistral's leave out the
system turn, others an empty reasoning of the generation prompt. Then the example is the prompt
that the server feeds, followed by the answer as the template writes it. This works for the last
turn only.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import replace

from sftdata.base.conversation import Turn
from sftdata.tokenizing.chat.rendering import Rendering, UntaughtError
from sftdata.tokenizing.chat.stops import Stops

_TAG = r"<[^<>]+>|\[[^\[\]]+\]"
# An empty reasoning: `<think>\n\n</think>\n\n`, `<|channel>thought\n<channel|>` …
_CLOSED = re.compile(rf"\s*({_TAG})[^<>\[\]]*({_TAG})\s*")
_MADE_ANSWER, _MADE_REASONING = "Zq1qZ", "Zq2qZ"


def continue_fed(rendering: Rendering, stops: Stops) -> str:
    """The prompt that a server feeds for the last turn, and that turn as the template writes it.

    Raises `UntaughtError` where the start of the turn is not certain, or `RefusedError`.
    """
    last = len(rendering.messages) - 1
    turn = rendering.conversation.turns[last]
    whole = rendering.render(last + 1)
    fed = rendering.render(last, generate=True)
    shared = stops.start_around(fed, _count_shared(fed, whole))
    differs_at_end = shared >= len(rendering.render(last)) and _is_prompt_end(fed[shared:], turn)
    start = shared if differs_at_end else _after_header(fed, whole, stops)
    own = "" if start is None else whole[start:]
    if start is None or not stops.find(own):
        raise UntaughtError("in its prompt the template shows the turns before it differently")
    # Nothing but marks may stand between the prompt and the text of the answer.
    varying = _count_shared(whole, _render_made(rendering, last, turn))
    if varying < start or re.sub(_TAG, "", whole[start:varying]).strip():
        raise UntaughtError("in its prompt the template shows the turns before it differently")
    return fed + own


def _is_prompt_end(extra: str, turn: Turn) -> bool:
    """Whether `extra` is an end of a generation prompt after which the model writes the turn."""
    closed = _CLOSED.fullmatch(extra)
    is_empty_reasoning = closed is not None and _word(closed[1]) == _word(closed[2])
    return not extra.strip() or (is_empty_reasoning and turn.reasoning is None)


def _after_header(fed: str, whole: str, stops: Stops) -> int | None:
    """Where the answer starts in `whole`: after the last header that ends the generation prompt."""
    start = stops.last_start(fed)
    if start is None:
        return None
    header = fed[start:]
    at = whole.rfind(header)
    return None if at < 0 else at + len(header)


def _render_made(rendering: Rendering, last: int, turn: Turn) -> str:
    """The text with a made answer instead of the last turn."""
    reasoning = None if turn.reasoning is None else _MADE_REASONING
    made = replace(turn, content=_MADE_ANSWER, reasoning=reasoning, tool_calls=())
    return rendering.render(last, more=[made])


def _word(tag: str) -> str:
    return "".join(filter(str.isalnum, tag)).lower()


def _count_shared(one: str, other: str) -> int:
    """The number of characters that two texts begin with alike."""
    return len(os.path.commonprefix((one, other)))  # noqa: RUF071 - characters, not paths
