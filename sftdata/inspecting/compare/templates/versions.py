"""Compare two versions of a template by their selectors; the task's spec fills in the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from sftdata.base.content import SMALL_TOKENIZER
from sftdata.errors import SpecError, TemplateError, did_you_mean
from sftdata.inspecting.compare.templates.diff import TemplateDiff, diff_templates
from sftdata.inspecting.compare.templates.rows import read_rows
from sftdata.rendering.template import DRAFT
from sftdata.spec.fields import ID, FieldRule
from sftdata.spec.load import find_spec
from sftdata.tokenizing.encoder import Encoder
from sftdata.tokenizing.engine_cache import EngineCache
from sftdata.tokenizing.load import load_tokenizer
from sftdata.versioning.releases import load_template


def diff_versions(
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
    """The difference between two versions, each given by a selector; `new`: the working copy.

    Rows, field paths, tokenizer and length limit default to those of the task's spec.
    Raises `SftdataError`.
    """
    before = load_template(old)
    after = load_template(new or f"{before.id}@{DRAFT}")
    task = after.id.partition("/")[0]
    spec = find_spec(task)
    needed = before.fields | after.fields
    for name in sorted((fields or {}).keys() - needed - {ID}):
        raise SpecError(
            f"Neither {before.label} nor {after.label} reads the field '{name}'.",
            did_you_mean(name, needed),
            code="E706",
        )
    paths = {name: name for name in needed} | dict(fields or {})
    rules = {name: FieldRule(path=path) for name, path in paths.items()}
    if spec is not None:
        rules |= {n: rule for n, rule in spec.fields.items() if n not in (fields or {})}
    sources = tuple(data) or (spec.data if spec is not None else ())
    if not sources:
        raise TemplateError(
            f"The task '{task}' has no spec, so there are no rows to compare on.",
            "Give rows with --data.",
        )
    id_rule = rules.pop(ID, FieldRule(path=ID) if data else None)
    id_path = None if id_rule is None else id_rule.path
    batch = read_rows(sources, {n: rules[n] for n in sorted(needed)}, id_path, rows)
    name = tokenizer or (spec.tokenizer if spec is not None else SMALL_TOKENIZER)
    types = {n: rule.type for n, rule in rules.items() if rule.type is not None}
    return diff_templates(
        before.with_types(types),
        after.with_types(types),
        batch,
        samples=samples,
        encoder=_exact_encoder(name, batch),
        max_length=max_length or (spec.max_length if spec is not None else None),
        keep=spec.keep if spec is not None else "start",
    )


def _exact_encoder(name: str, rows: pa.RecordBatch) -> Encoder:
    """The fast engine if it gives the reference's ids on the rows, else the reference."""
    tokenizer = load_tokenizer(name)
    texts = pa.concat_arrays([rows.column(n) for n in rows.schema.names if n != "row_id"])
    engines = EngineCache()
    choice = engines.choose_encoder(tokenizer, lambda line: None)
    if choice.find_fault(texts) is not None:
        choice = engines.reference_choice(tokenizer)
    return choice.encoder
