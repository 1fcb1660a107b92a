"""Facts about each template, learned from the texts of a sample of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_FEWEST_ROWS = 20  # of a template, to call it extractive
_EXTRACTIVE = 0.9  # share of targets that are quotes from their prompts


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """The text that all prompts of a template share, and whether answers are quotes."""

    before: int | None  # bytes that all prompts begin with; None if there are too few to tell
    after: int  # bytes that all prompts end with
    is_extractive: bool  # answers are quotes from the prompt
    has_any_seam: bool = (
        False  # most prompts do not end with a newline, as `seam = "any"` lets them
    )

    @property
    def fixed_bytes(self) -> int | None:
        """Bytes of a prompt that are the same in all of them."""
        return None if self.before is None else self.before + self.after


def learn_facts(pairs: Sequence[tuple[str, str]]) -> TemplateFacts:
    """The facts that pairs of prompt and target tell about their template."""
    quotes = sum(target in prompt for prompt, target in pairs)
    extractive = len(pairs) >= _FEWEST_ROWS and quotes >= _EXTRACTIVE * len(pairs)
    any_seam = 2 * sum(prompt.endswith("\n") for prompt, _ in pairs) < len(pairs)
    prompts = sorted({prompt.encode() for prompt, _ in pairs})
    if len(prompts) < 2:
        return TemplateFacts(None, 0, extractive, any_seam)
    # In sorted order, the first and the last text share the least.
    before = _common_start(prompts[0], prompts[-1])
    backwards = sorted(prompt[::-1] for prompt in prompts)
    return TemplateFacts(before, _common_start(backwards[0], backwards[-1]), extractive, any_seam)


def _common_start(a: bytes, b: bytes) -> int:
    """The number of bytes that two texts share at their start."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))
