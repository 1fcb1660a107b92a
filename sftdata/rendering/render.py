"""Render: rows and a template in, prompt and target text out.

A block of text and bare fields is one concatenation of Arrow columns; any other is rendered row by
row. A property test holds that both give the same text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, text, texts
from sftdata.base.typed_text import FieldType, to_values
from sftdata.errors import TemplateError
from sftdata.rendering.template import Field, Template


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of a batch of examples: `large_string` columns of equal length."""

    system: pa.LargeStringArray | None  # None where the template has no such block
    prompt: pa.LargeStringArray
    target: pa.LargeStringArray

    def take(self, rows: npt.NDArray[np.int64]) -> Rendered:
        """The texts of these rows."""
        at = numbers(rows)
        system = None if self.system is None else self.system.take(at)
        return Rendered(system, self.prompt.take(at), self.target.take(at))


def render_batch(rows: pa.RecordBatch, template: Template) -> Rendered:
    """System, prompt and target text of each row.

    `rows` holds every field of the template as `large_string`, in the canonical form of its type,
    and `row_id`.
    Raises `TemplateError` with the row id when a template fails on a row.
    """
    system = render_block(rows, template, "system") if "system" in template.blocks else None
    prompt, target = (render_block(rows, template, name) for name in ("prompt", "target"))
    return Rendered(system, prompt, target)


def render_block(rows: pa.RecordBatch, template: Template, block: str) -> pa.LargeStringArray:
    """The text of one block in each row; see `render_batch`."""
    parts = template.blocks[block].parts
    if parts is not None:
        return _concatenate(rows, parts, template.types)
    fields = sorted(template.fields)
    rendered = []
    for row_id, texts_of_row in zip(
        rows.column("row_id").to_pylist(), rows.select(fields).to_pylist(), strict=True
    ):
        row = to_values(texts_of_row, template.types)
        try:
            rendered.append(template.render_block(block, row))
        except TemplateError as error:
            raise TemplateError(f"{error}", f"Row '{row_id}'.") from error
    return texts(rendered)


def render_row(template: Template, row: Mapping[str, Any]) -> tuple[str, str]:
    """Prompt and target text of one row."""
    prompt = template.render_block("system", row) + template.render_block("prompt", row)
    return prompt, template.render_block("target", row)


def _concatenate(
    rows: pa.RecordBatch, parts: Sequence[str | Field], types: Mapping[str, FieldType]
) -> pa.LargeStringArray:
    if not any(isinstance(part, Field) for part in parts):
        # Arrow would make one scalar of scalars only.
        return texts(["".join(map(str, parts))] * rows.num_rows)
    columns = [
        _printed(rows.column(part.name), types.get(part.name))
        if isinstance(part, Field)
        else text(part)
        for part in parts
    ]
    return pc.binary_join_element_wise(*columns, text(""))


def _printed(column: pa.LargeStringArray, type_: FieldType | None) -> pa.LargeStringArray:
    """The text that `{{ field }}` prints. The canonical form of a number is what Python prints."""
    return pc.utf8_capitalize(column) if type_ == "bool" else column
