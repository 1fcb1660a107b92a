"""Arrow columns from NumPy arrays and Python strings and back, without copies.

Use these instead of `pyarrow.array`, `pyarrow.scalar` and `to_numpy`: those import pandas, which
takes longer than a small build.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def numbers(values: npt.NDArray[Any]) -> pa.Array:
    """A column with the numbers of a one-dimensional array; its memory is shared."""
    values = np.ascontiguousarray(values)
    type_ = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(type_, len(values), [None, pa.py_buffer(values)])


def flags(values: npt.NDArray[np.bool_]) -> pa.BooleanArray:
    """A boolean column; one bit for each value."""
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.BooleanArray.from_buffers(pa.bool_(), len(values), [None, bits])


def texts(values: Sequence[str]) -> pa.LargeStringArray:
    """A `large_string` column."""
    encoded = [value.encode("utf-8") for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    return pa.LargeStringArray.from_buffers(
        len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    )


def optional_texts(values: Sequence[str | None]) -> pa.LargeStringArray:
    """A `large_string` column; None is null."""
    column = texts([value or "" for value in values])
    if None not in values:
        return column
    _, offsets, data = column.buffers()
    valid = flags(np.array([value is not None for value in values], np.bool_)).buffers()[1]
    return pa.LargeStringArray.from_buffers(len(column), offsets, data, valid)


def text(value: str) -> pa.LargeStringScalar:
    """A `large_string` scalar, for a compute function."""
    return texts([value])[0]


def flag(value: bool) -> pa.BooleanScalar:
    """A boolean scalar, for a compute function."""
    return flags(np.array([value]))[0]


def to_numbers(column: pa.Array) -> npt.NDArray[Any]:
    """The numbers of a column without nulls; its memory is shared."""
    dtype = column.type.to_pandas_dtype()
    data = column.buffers()[1]
    return np.frombuffer(data or b"", dtype)[column.offset : column.offset + len(column)]


def to_flags(column: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """The values of a boolean column without nulls, a byte each."""
    first, last = column.offset, column.offset + len(column)
    data = np.frombuffer(column.buffers()[1] or b"", np.uint8)[first // 8 : (last + 7) // 8]
    bits = np.unpackbits(data, bitorder="little")
    values = bits[first % 8 : first % 8 + len(column)].view(np.bool_)
    values.flags.writeable = False  # like the result of `to_numbers`
    return values


def string_buffers(
    column: pa.LargeStringArray | pa.LargeBinaryArray,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets int64[rows + 1] and bytes of a text column; their memory is shared."""
    _, offsets, data = column.buffers()
    window = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    # A column of empty strings may have no data buffer at all.
    return window, np.frombuffer(data if data is not None else b"", np.uint8)


def rebase_offsets(column: pa.LargeStringArray) -> pa.LargeStringArray:
    """The column with offsets that start at 0, which `ascii_lower` expects; no copy."""
    offsets, data = string_buffers(column)
    window = pa.py_buffer(data[offsets[0] : offsets[-1]])
    return pa.LargeStringArray.from_buffers(len(column), pa.py_buffer(offsets - offsets[0]), window)
