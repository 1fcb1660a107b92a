"""Values of a source as text, by one rule, which docs/specs.md states.

Text is itself. A whole number is its digits, another number what Python prints, a decimal is as
it is written, a boolean `true` or `false`, a date or time is in ISO 8601. Null and not-a-number are
missing. Lists, objects and bytes are no text.
"""

from __future__ import annotations

import datetime
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from sftdata.reading.tables.columns import python_values

_OID = "$oid"  # the id of a document that was exported from MongoDB


def is_missing(value: Any) -> bool:
    """Whether the value stands for nothing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def to_text(value: Any) -> str | None:
    """The text of a value that is there; None if it is no scalar, or a number without an end."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else None


def to_label(value: Any) -> str | None:
    """The text of an id or a group; None if the value can be neither.

    Whole numbers are equal however they are stored: 1 and 1.0 are the same id.
    """
    if isinstance(value, Mapping) and value.keys() == {_OID}:
        return to_label(value[_OID])
    if isinstance(value, bool):
        return None
    if isinstance(value, (float, Decimal)):
        whole = math.isfinite(value) and value == int(value)
        return str(int(value)) if whole else None
    return to_text(value)


def column_texts(column: pa.ChunkedArray, *, label: bool) -> pa.LargeStringArray | None:
    """The texts of a column of a table; None if it holds anything but scalars."""
    type_ = column.type
    native = pa.types.is_string(type_) or pa.types.is_large_string(type_)
    native = native or pa.types.is_integer(type_) or (pa.types.is_boolean(type_) and not label)
    if native:
        return cast_to_text(column)
    if pa.types.is_nested(type_):
        return None
    values = python_values(column)
    as_text = to_label if label else to_text
    texts = [None if is_missing(value) else as_text(value) for value in values]
    if any(t is None and not is_missing(v) for t, v in zip(texts, values, strict=True)):
        return None
    return pa.array(texts, pa.large_string())


def cast_to_text(column: pa.ChunkedArray) -> pa.LargeStringArray:
    """A column of texts, whole numbers or booleans as one array of text."""
    column = column.cast(pa.large_string())
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
