"""Compare two texts of a template: source, contract, rendered text and tokens."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from sftdata.base.arrow import numbers
from sftdata.examples.shorten import Keep
from sftdata.inspecting.compare.templates.rows import sample_places
from sftdata.inspecting.compare.templates.tokens import TokenDiff, compare_tokens
from sftdata.inspecting.compare.word_diff import DiffPiece, diff_words
from sftdata.rendering.render import render_row
from sftdata.rendering.template import Template
from sftdata.tokenizing.encoder import Encoder
from sftdata.versioning.bump import Change, find_changes, level_of


@dataclass(frozen=True)
class RenderedDiff:
    """The word diff of a row rendered by both texts; the prompt includes the system text."""

    row_id: str
    prompt: list[DiffPiece]
    target: list[DiffPiece]


@dataclass(frozen=True)
class TemplateDiff:
    """Everything that differs between two texts of a template."""

    old: Template
    new: Template
    source: list[str]  # lines of a unified diff
    changes: list[Change]
    samples: list[RenderedDiff]
    tokens: TokenDiff

    @property
    def level(self) -> str:
        """The version bump that the changes need, or "none"."""
        return level_of(self.changes) if self.changes else "none"

    def to_json(self) -> dict[str, Any]:
        """The object `template diff --json` prints."""
        return {
            "old": self.old.label,
            "new": self.new.label,
            "level": self.level,
            "source": self.source,
            "changes": [asdict(change) for change in self.changes],
            "samples": [asdict(sample) for sample in self.samples],
            "tokens": {
                "tokenizer": self.tokens.tokenizer,
                "max_length": self.tokens.max_length,
                "sum": self.tokens.summarize(),
                "rows": [asdict(row) for row in self.tokens.rows],
            },
        }


def diff_templates(
    old: Template,
    new: Template,
    rows: pa.RecordBatch,
    *,
    samples: int,
    encoder: Encoder,
    max_length: int | None,
    keep: Keep,
) -> TemplateDiff:
    """The difference between `old` and `new`: tokens of all rows, texts of `samples` of them.

    `rows` needs every field of both. Raises `TemplateError` when one of them fails on a row.
    """
    sampled = rows.take(numbers(sample_places(rows, samples))).to_pylist()
    return TemplateDiff(
        old=old,
        new=new,
        source=list(_diff_sources(old, new)),
        changes=find_changes(old, new),
        samples=[_diff_row(old, new, row) for row in sampled],
        tokens=compare_tokens(old, new, rows, encoder, max_length, keep),
    )


def _diff_sources(old: Template, new: Template) -> Iterator[str]:
    texts = [(old.source, new.source, "")]
    names = sorted(old.included.keys() | new.included.keys())
    texts += [(old.included.get(n, ""), new.included.get(n, ""), f" {n}") for n in names]
    for before, after, name in texts:
        yield from difflib.unified_diff(
            before.splitlines(), after.splitlines(), old.label + name, new.label + name, lineterm=""
        )


def _diff_row(old: Template, new: Template, row: dict[str, str]) -> RenderedDiff:
    (prompt, target), (new_prompt, new_target) = render_row(old, row), render_row(new, row)
    return RenderedDiff(
        row["row_id"], diff_words(prompt, new_prompt), diff_words(target, new_target)
    )
