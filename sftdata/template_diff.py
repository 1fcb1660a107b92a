"""Compare two texts of a template: source, contract, rendered text, and what becomes of tokens."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sftdata.bump import Change, find_changes, level_of
from sftdata.columns import numbers
from sftdata.golden.chunks import read_chunks
from sftdata.golden.rows import RowReader
from sftdata.golden.sources import resolve_sources
from sftdata.length import Keep
from sftdata.render import render_row
from sftdata.split import hash_column
from sftdata.template import Template
from sftdata.token_diff import TokenDiff, compare_tokens
from sftdata.tokenization import Encoder

_WORD = re.compile(r"\s+|[^\s]+")
_REMOVED, _ADDED, _SAME = "-", "+", " "

Piece = tuple[str, str]  # "-", "+" or " ", and text


@dataclass(frozen=True)
class Sample:
    """A row as both texts render it, as pieces of a word diff; prompt with the system text."""

    row_id: str
    prompt: list[Piece]
    target: list[Piece]


@dataclass(frozen=True)
class TemplateDiff:
    """Everything that differs between two texts of a template."""

    old: Template
    new: Template
    source: list[str]  # lines of a unified diff
    changes: list[Change]
    samples: list[Sample]
    tokens: TokenDiff | None

    @property
    def level(self) -> str:
        """The bump that the changes ask for, or "none"."""
        return level_of(self.changes) if self.changes else "none"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        tokens = None
        if self.tokens is not None:
            tokens = {
                "tokenizer": self.tokens.tokenizer,
                "max_length": self.tokens.max_length,
                "sum": self.tokens.summary(),
                "rows": [asdict(row) for row in self.tokens.rows],
            }
        return {
            "old": self.old.label,
            "new": self.new.label,
            "level": self.level,
            "source": self.source,
            "changes": [asdict(change) for change in self.changes],
            "samples": [asdict(sample) for sample in self.samples],
            "tokens": tokens,
        }


def read_rows(
    data: Sequence[str], fields: dict[str, str], id_path: str | None, limit: int | None
) -> pa.RecordBatch:
    """Usable rows of the golden set, `row_id` and the fields as `large_string`.

    With `limit` those with the smallest digests of their ids, so a review sees the same rows again.
    """
    sources = tuple(resolve_sources(data))
    reader = RowReader(sources, fields, id_path, None, False)
    batches = []
    for index, source in enumerate(sources):
        for place, chunks in enumerate(read_chunks(source, index)):
            if place == 0:
                reader.check_columns(chunks)
            batches.append(reader.parse(chunks).batch)
    rows = pa.Table.from_batches(batches).combine_chunks().to_batches()
    batch = rows[0] if rows else batches[0]
    if limit is None or batch.num_rows <= limit:
        return batch
    order = np.lexsort(hash_column(batch.column("row_id")).T)[:limit]
    return batch.take(numbers(np.sort(order)))


def compare(
    old: Template,
    new: Template,
    rows: pa.RecordBatch,
    *,
    samples: int,
    encoder: Encoder | None,
    max_length: int | None,
    keep: Keep = "start",
) -> TemplateDiff:
    """The difference between `old` and `new`, shown on `samples` of the rows.

    `rows` needs every field of both. Without an encoder nothing is said about tokens.
    Raises `TemplateError` when one of them fails on a row.
    """
    tokens = None
    if encoder is not None:
        tokens = TokenDiff(
            tokenizer=encoder.tokenizer.name,
            max_length=max_length,
            rows=list(compare_tokens(old, new, rows, encoder, max_length, keep)),
        )
    return TemplateDiff(
        old=old,
        new=new,
        source=list(_source_diff(old, new)),
        changes=find_changes(old, new),
        samples=[_sample(old, new, row) for row in _chosen(rows, samples)],
        tokens=tokens,
    )


def _source_diff(old: Template, new: Template) -> Iterator[str]:
    texts = [(old.source, new.source, "")]
    names = sorted(old.included.keys() | new.included.keys())
    texts += [(old.included.get(n, ""), new.included.get(n, ""), f" {n}") for n in names]
    for before, after, name in texts:
        yield from difflib.unified_diff(
            before.splitlines(), after.splitlines(), old.label + name, new.label + name, lineterm=""
        )


def _chosen(rows: pa.RecordBatch, number: int) -> list[dict[str, str]]:
    order = np.lexsort(hash_column(rows.column("row_id")).T)[:number]
    chosen: list[dict[str, str]] = rows.take(numbers(order)).to_pylist()
    return chosen


def _sample(old: Template, new: Template, row: dict[str, str]) -> Sample:
    (prompt, target), (new_prompt, new_target) = render_row(old, row), render_row(new, row)
    return Sample(row["row_id"], word_diff(prompt, new_prompt), word_diff(target, new_target))


def word_diff(before: str, after: str) -> list[Piece]:
    """Pieces of text that stay, go or come, in reading order."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    pieces: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for _, start, end, new_start, new_end in matcher.get_opcodes():
        removed, added = "".join(old[start:end]), "".join(new[new_start:new_end])
        if removed == added:
            pieces.append((_SAME, removed))
            continue
        pieces += [(_REMOVED, removed)] * bool(removed) + [(_ADDED, added)] * bool(added)
    return pieces


def fields_of(templates: Iterable[Template]) -> frozenset[str]:
    """Every field that one of the templates reads."""
    return frozenset().union(*(template.fields for template in templates))
