"""Render: rows and a template in, prompt and target text out.

A template of text and bare fields is one concatenation of Arrow columns; any other goes through
Jinja row by row. A property test holds that both give the same text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.columns import text, texts
from sftdata.errors import TemplateError
from sftdata.template import Field, Template


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of a batch of examples: two `large_string` columns of equal length."""

    prompt: pa.LargeStringArray  # system + prompt
    target: pa.LargeStringArray


def render_batch(rows: pa.RecordBatch, template: Template) -> Rendered:
    """Prompt and target text of each row.

    `rows` holds every field of the template as `large_string`, and `row_id`.
    Raises `TemplateError` with the row id when a template fails on a row.
    """
    return Rendered(
        prompt=_render(rows, template, ("system", "prompt"), template.prompt_parts),
        target=_render(rows, template, ("target",), template.blocks["target"].parts),
    )


def render_row(template: Template, row: Mapping[str, Any]) -> tuple[str, str]:
    """Prompt and target text of one row, through Jinja."""
    prompt = template.render_block("system", row) + template.render_block("prompt", row)
    return prompt, template.render_block("target", row)


def _render(
    rows: pa.RecordBatch,
    template: Template,
    blocks: Sequence[str],
    parts: Sequence[str | Field] | None,
) -> pa.LargeStringArray:
    if parts is not None:
        return _concatenate(rows, parts)
    fields = sorted(template.fields)
    rendered = []
    for row_id, row in zip(
        rows.column("row_id").to_pylist(), rows.select(fields).to_pylist(), strict=True
    ):
        try:
            rendered.append("".join(template.render_block(name, row) for name in blocks))
        except TemplateError as error:
            raise TemplateError(f"{error}", f"Row '{row_id}'.") from error
    return texts(rendered)


def _concatenate(rows: pa.RecordBatch, parts: Sequence[str | Field]) -> pa.LargeStringArray:
    if not any(isinstance(part, Field) for part in parts):
        # Arrow would make one scalar of scalars only.
        return texts(["".join(map(str, parts))] * rows.num_rows)
    columns = [rows.column(part.name) if isinstance(part, Field) else text(part) for part in parts]
    return pc.binary_join_element_wise(*columns, text(""))
