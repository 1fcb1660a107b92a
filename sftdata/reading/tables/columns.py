"""Columns of tables without what hides their values: encodings and extension types.

Nothing here fails for a value that Python cannot hold, such as a time after the year 9999.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
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

    Bytes that are UTF-8 are text: many programs write texts to Parquet without saying so. A time
    with nanoseconds is text, too, in ISO 8601. A float of 32 or 16 bits is the shortest number that
    stands for it: 0.1, not 0.10000000149011612.
    """
    if _is_nanoseconds(column.type) and not pa.types.is_duration(column.type):
        return _nanosecond_values(column)
    try:
        values: list[Any] = column.to_pylist()
    except Exception:  # of as many kinds as there are types
        values = [_python_value(scalar) for scalar in column]
    if _holds(column.type, _is_short_float):
        return [_shorten(value, column.type) for value in values]
    return [_decoded(v) for v in values] if _is_binary(column.type) else values


def _is_short_float(type_: pa.DataType) -> bool:
    return bool(pa.types.is_float32(type_) or pa.types.is_float16(type_))


def _is_list(type_: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_)
    )


def _shorten(value: Any, type_: pa.DataType) -> Any:
    """The value with each short float in it as the shortest number that stands for it."""
    if isinstance(value, float) and _is_short_float(type_):
        if value.is_integer():  # exact as it is
            return value
        short = np.float32 if pa.types.is_float32(type_) else np.float16
        return float(str(short(value)))
    if isinstance(value, dict) and pa.types.is_struct(type_):
        return {name: _shorten(item, type_.field(name).type) for name, item in value.items()}
    if isinstance(value, list) and _is_list(type_):
        return [_shorten(item, type_.value_type) for item in value]
    return value


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


def _is_nanoseconds(type_: pa.DataType) -> bool:
    """Whether Python's types lack digits for the values, so that pandas' are used if it is there.

    What a row becomes must not depend on that.
    """
    types = pa.types
    is_time = types.is_timestamp(type_) or types.is_time64(type_) or types.is_duration(type_)
    return bool(is_time and type_.unit == "ns")


def _nanosecond_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    is_time = pa.types.is_time64(column.type)
    type_ = pa.time64("us") if is_time else pa.timestamp("us", tz=column.type.tz)
    parts = [None if v is None else divmod(v, 1000) for v in column.cast(pa.int64()).to_pylist()]
    whole = pa.array([None if part is None else part[0] for part in parts], pa.int64())
    values = python_values(whole.cast(type_))
    return [
        _with_nanoseconds(value, part[1]) if part is not None and part[1] else value
        for value, part in zip(values, parts, strict=True)
    ]


def _with_nanoseconds(value: datetime.datetime | datetime.time | Unreadable, rest: int) -> Any:
    if isinstance(value, Unreadable):
        return value
    text = value.isoformat(timespec="microseconds")
    end = text.index(".") + len(".000000")
    return f"{text[:end]}{rest:03d}{text[end:]}"


def exact_values(column: pa.Array) -> list[str]:
    """A text for each value of a column; two values have the same text only if they are equal."""
    try:
        if not _holds(column.type, _is_nanoseconds):
            return [repr(value) for value in column.to_pylist()]
    except Exception:  # see python_values
        pass
    whole = 2**31 - 1
    return [
        column.slice(at, 1).to_string(window=whole, container_window=whole)
        for at in range(len(column))
    ]


def _holds(type_: pa.DataType, is_wanted: Callable[[pa.DataType], bool]) -> bool:
    """Whether the type, or a type inside it, is a wanted one."""
    if pa.types.is_dictionary(type_):
        return _holds(type_.value_type, is_wanted)
    parts = (type_.field(at).type for at in range(type_.num_fields))
    return is_wanted(type_) or any(_holds(part, is_wanted) for part in parts)
