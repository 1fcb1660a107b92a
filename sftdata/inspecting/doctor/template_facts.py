"""Facts about each template, learned from a sample of its rows."""

from __future__ import annotations

from dataclasses import dataclass

from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.context import DatasetContext
from sftdata.loading.dataset import Dataset

_SAMPLE_ROWS = 256
_FEWEST_ROWS = 20  # of a template, to call it extractive
_EXTRACTIVE = 0.9  # share of targets that are quotes from their prompts


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """The text that all prompts of a template share, and whether answers are quotes."""

    before: int | None  # bytes that all prompts begin with; None if there are too few to tell
    after: int  # bytes that all prompts end with
    is_extractive: bool  # answers are quotes from the prompt

    @property
    def fixed_bytes(self) -> int | None:
        """Bytes of a prompt that are the same in all of them."""
        return None if self.before is None else self.before + self.after


def learn_templates(data: Dataset, context: DatasetContext) -> dict[str, TemplateFacts]:
    """Facts about each template, from the first rows of each split."""
    samples: dict[str, list[tuple[str, str]]] = {}
    for name, split in data.items():
        for batch in split[:_SAMPLE_ROWS].to_arrow().to_batches():
            rows = RowBatch(name, batch, context, {})
            prompts, targets = rows.prompt.to_pylist(), rows.target.to_pylist()
            for template, prompt, target in zip(rows.template_names, prompts, targets, strict=True):
                samples.setdefault(template, []).append((prompt, target))
    return {name: _learn(pairs) for name, pairs in samples.items()}


def _learn(pairs: list[tuple[str, str]]) -> TemplateFacts:
    quotes = sum(target in prompt for prompt, target in pairs)
    extractive = len(pairs) >= _FEWEST_ROWS and quotes >= _EXTRACTIVE * len(pairs)
    prompts = sorted({prompt.encode() for prompt, _ in pairs})
    if len(prompts) < 2:
        return TemplateFacts(None, 0, extractive)
    # In sorted order, the first and the last text share the least.
    before = _common_start(prompts[0], prompts[-1])
    backwards = sorted(prompt[::-1] for prompt in prompts)
    return TemplateFacts(before, _common_start(backwards[0], backwards[-1]), extractive)


def _common_start(a: bytes, b: bytes) -> int:
    """The number of bytes that two texts share at their start."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))
