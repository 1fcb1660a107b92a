"""Columns of tables that are not text and are read as text: found in the schema, said once."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from sftdata.base.escaping import escape
from sftdata.reading.scalars import is_missing, to_text
from sftdata.reading.tables.columns import python_values
from sftdata.spec.fields import FieldRule
from sftdata.spec.paths import MISSING, Path, follow, parse_path

_LOOKED_AT = 64  # rows, for an example

ColumnsAsText = dict[str, tuple[str, str]]  # field → name of the Arrow type, text of a value


def find_columns_as_text(batch: pa.RecordBatch, fields: Mapping[str, FieldRule]) -> ColumnsAsText:
    """The fields without a type that are read from columns of another type than text.

    By field: the name of the Arrow type, and the text of the first value, "" if there is none.
    """
    found: ColumnsAsText = {}
    for name, rule in fields.items():
        for path in map(parse_path, rule.paths if rule.type is None else ()):
            type_ = _type_at(batch.schema, path)
            if type_ is not None and _is_other_scalar(type_):
                found.setdefault(name, (str(type_), _find_example(batch, path)))
    return found


def describe_columns_as_text(found: Mapping[str, ColumnsAsText]) -> str | None:
    """One note about all such columns, by the name of their source; None if there are none."""
    by_column: dict[tuple[str, str], tuple[list[str], str]] = {}
    for source, columns in found.items():
        for field, (type_, example) in columns.items():
            by_column.setdefault((field, type_), ([], example))[0].append(source)
    if not by_column:
        return None
    lines = [
        f"Read as text: '{escape(field)}' of {sources[0]}"
        + (f" and {len(sources) - 1:,} more" if len(sources) > 1 else "")
        + f" is a column of {type_}"
        + (f", for example '{escape(example)}'." if example else ".")
        for (field, type_), (sources, example) in by_column.items()
    ]
    first = escape(next(iter(by_column))[0])
    lines.append(f'Say what is meant in [fields]: {first} = {{ path = "…", type = "text" }}')
    return "\n".join(lines)


def _type_at(schema: pa.Schema, path: Path) -> pa.DataType | None:
    name, *steps = path
    if name not in schema.names:
        return None
    type_ = schema.field(name).type
    for step in steps:
        if isinstance(step, str) and pa.types.is_struct(type_):
            at = type_.get_field_index(step)
            if at < 0:
                return None
            type_ = type_.field(at).type
        elif not isinstance(step, str) and (
            pa.types.is_list(type_) or pa.types.is_large_list(type_)
        ):
            type_ = type_.value_type
        else:
            return None
    return type_


def _is_other_scalar(type_: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_integer(type_)
        or types.is_floating(type_)
        or types.is_decimal(type_)
        or types.is_boolean(type_)
        or types.is_date(type_)
        or types.is_time(type_)
        or types.is_timestamp(type_)
    )


def _find_example(batch: pa.RecordBatch, path: Path) -> str:
    name, *steps = (step if isinstance(step, (str, int)) else 0 for step in path)
    for value in python_values(batch.column(name).slice(0, _LOOKED_AT)):
        at_end = follow(value, tuple(steps))
        if at_end is not MISSING and not is_missing(at_end) and (text := to_text(at_end)):
            return text
    return ""
