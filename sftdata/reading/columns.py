"""Columns of tables without what hides their values: encodings and extension types.

Nothing here fails for a value that Python cannot hold, such as a time after the year 9999.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_UUID = "arrow.uuid"
_PLAIN = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The place of a value that Python cannot hold. `type`: the name of its Arrow type."""

    type: str


def plain_column(column: pa.Array) -> pa.Array:
    """The values of a column: no dictionary, no extension type; text as `large_string`.

    A column of texts that is plain already is returned as it is.
    """
    type_ = column.type
    if isinstance(type_, pa.BaseExtensionType):
        if type_.extension_name == _UUID:
            return _uuid_texts(column.storage)
        return plain_column(column.storage)
    if pa.types.is_dictionary(type_):
        values = plain_column(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, values).dictionary_decode()
    if pa.types.is_run_end_encoded(type_):
        if type_.value_type in _PLAIN:  # Arrow does not decode these
            return pa.array(column.to_pylist(), _PLAIN[type_.value_type])
        return plain_column(pc.run_end_decode(column))
    return column.cast(_PLAIN[type_]) if type_ in _PLAIN else column


def _uuid_texts(column: pa.Array) -> pa.LargeStringArray:
    texts = [None if v is None else str(uuid.UUID(bytes=v)) for v in column.to_pylist()]
    return pa.array(texts, pa.large_string())


def python_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of a column, with `Unreadable` for those that Python cannot hold.

    Bytes that are UTF-8 are text: many programs write texts to Parquet without saying so.
    """
    try:
        values: list[Any] = column.to_pylist()
    except Exception:  # of as many kinds as there are types
        values = [_python_value(scalar) for scalar in column]
    return [_decoded(v) for v in values] if _is_binary(column.type) else values


def _is_binary(type_: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(type_) or types.is_large_binary(type_) or types.is_binary_view(type_)
    )


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return value if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _python_value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except Exception:  # see python_values
        return Unreadable(str(scalar.type))


def exact_values(column: pa.Array) -> list[str]:
    """A text for each value of a column; two values have the same text only if they are equal."""
    try:
        return [repr(value) for value in column.to_pylist()]
    except Exception:  # see python_values
        whole = 2**31 - 1
        return [
            column.slice(at, 1).to_string(window=whole, container_window=whole)
            for at in range(len(column))
        ]
