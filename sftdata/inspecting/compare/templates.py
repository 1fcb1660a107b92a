"""Compare two texts of a template: source, contract, rendered text, and what becomes of tokens."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sftdata.base.arrow import numbers
from sftdata.base.hashing import hash_column
from sftdata.errors import TemplateError
from sftdata.examples.shorten import Keep
from sftdata.inspecting.compare.template_tokens import TokenDiff, compare_tokens
from sftdata.inspecting.compare.word_diff import DiffPiece, diff_words
from sftdata.reading.chunks import read_chunks
from sftdata.reading.rows import RowReader
from sftdata.reading.sources import resolve_sources
from sftdata.rendering.render import render_row
from sftdata.rendering.template import DRAFT, Template
from sftdata.spec.fields import FieldRule
from sftdata.spec.load import find_spec
from sftdata.tokenizing.encoder import REFERENCE, Encoder, choose_encoder, load_encoder
from sftdata.tokenizing.tokenizer import load_tokenizer
from sftdata.versioning.bump import Change, find_changes, level_of
from sftdata.versioning.releases import load_template


@dataclass(frozen=True)
class Sample:
    """A row as both texts render it, as pieces of a word diff; prompt with the system text."""

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
    data: Sequence[str], fields: Mapping[str, FieldRule], id_path: str | None, limit: int | None
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
    return Sample(row["row_id"], diff_words(prompt, new_prompt), diff_words(target, new_target))


def diff(
    old: str,
    new: str | None = None,
    *,
    data: Sequence[str] = (),
    fields: Mapping[str, str] | None = None,
    tokenizer: str | None = None,
    max_length: int | None = None,
    samples: int = 3,
    rows: int | None = None,
) -> TemplateDiff:
    """The difference between the templates that two selectors pick.

    Without `new` that is the working copy of `old`. What is not given is taken from the spec of
    the task: the rows, the paths of the fields, the tokenizer and the limit of tokens.
    Raises `SftdataError`.
    """
    before = load_template(old)
    after = load_template(new or f"{before.id}@{DRAFT}")
    task = after.id.partition("/")[0]
    spec = find_spec(task)
    needed = before.fields | after.fields
    given_paths = {name: name for name in needed} | dict(fields or {})
    rules = {name: FieldRule(path=path) for name, path in given_paths.items()}
    if spec is not None:
        rules |= {n: rule for n, rule in spec.fields.items() if n not in (fields or {})}
    given = tuple(data) or (spec.data if spec is not None else ())
    if not given:
        raise TemplateError(
            f"The task '{task}' has no spec, so there are no rows to compare on.",
            "Give rows with --data.",
        )
    id_rule = rules.pop("id", FieldRule(path="id") if data else None)
    id_path = None if id_rule is None else id_rule.path
    table = read_rows(given, {n: rules[n] for n in sorted(needed)}, id_path, rows)
    chosen = tokenizer or (spec.tokenizer if spec is not None else "tokenizers/small")
    limit = max_length or (spec.max_length if spec is not None else None)
    return compare(
        before,
        after,
        table,
        samples=samples,
        encoder=_encoder(chosen, table),
        max_length=limit,
        keep=spec.keep if spec is not None else "start",
    )


def _encoder(name: str, rows: pa.RecordBatch) -> Encoder:
    """The fast engine where it gives the reference's ids on the rows, else the reference."""
    tokenizer = load_tokenizer(name)
    texts = pa.concat_arrays([rows.column(n) for n in rows.schema.names if n != "row_id"])
    choice = choose_encoder(tokenizer, lambda line: None)
    is_exact = choice.find_fault(texts) is None
    return choice.encoder if is_exact else load_encoder(tokenizer, REFERENCE)
