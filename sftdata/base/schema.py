"""The columns of a shard, and the sizes of its rows in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, texts, to_numbers

_LABEL = pa.dictionary(pa.int8(), pa.string())


def shard_schema(*, mixed: bool = False) -> pa.Schema:
    """The columns of a shard, in order; those of a mixture also name the task."""
    fields = [
        ("row_id", pa.string()),
        ("template", _LABEL),
        ("input_ids", pa.list_(pa.int32())),
        ("label_mask", pa.list_(pa.bool_())),
        ("target_start", pa.int32()),
    ]
    return pa.schema([*fields, ("task", _LABEL)] if mixed else fields)


def label_column(index: npt.NDArray[np.int8], labels: Sequence[str]) -> pa.DictionaryArray:
    """A `template` or `task` column: for each row one of the labels, by index."""
    return pa.DictionaryArray.from_arrays(numbers(index), texts(labels).cast(pa.string()))


@dataclass(frozen=True, slots=True)
class RowSizes:
    """The sizes and labels of rows, for planning and statistics."""

    tokens: npt.NDArray[np.int32]  # [rows]
    target_tokens: npt.NDArray[np.int32]  # [rows], those in the loss
    template: npt.NDArray[np.int8]  # [rows], index in the build's templates
    task: npt.NDArray[np.int8]  # [rows], index in the mixture's tasks; 0 where there is one

    @classmethod
    def concatenate(cls, parts: Sequence[RowSizes]) -> RowSizes:
        """All rows, one part after another."""
        empty = np.empty(0, np.int32)
        label = np.empty(0, np.int8)
        return cls(
            np.concatenate([empty, *(part.tokens for part in parts)]),
            np.concatenate([empty, *(part.target_tokens for part in parts)]),
            np.concatenate([label, *(part.template for part in parts)]),
            np.concatenate([label, *(part.task for part in parts)]),
        )


def measure_rows(batch: pa.RecordBatch) -> RowSizes:
    """The sizes of the rows of a shard's record batch."""
    none = np.zeros(batch.num_rows, np.int8)
    return RowSizes(
        tokens=np.diff(row_offsets(batch)).astype(np.int32),
        target_tokens=count_targets(batch),
        template=to_numbers(batch.column("template").indices),
        task=to_numbers(batch.column("task").indices) if "task" in batch.schema.names else none,
    )


def check_batch(batch: pa.RecordBatch) -> None:
    """Raises `ValueError` for a record batch that no shard has, before its buffers are used.

    Rows may be wrong all the same; `verify --deep` finds that.
    """
    if batch.schema not in (shard_schema(), shard_schema(mixed=True)):
        raise ValueError(f"the columns {batch.schema.names} lack the names or types of a shard")
    batch.validate(full=True)
    ids, mask = batch.column("input_ids"), batch.column("label_mask")
    inner = [ids.values, mask.values]
    inner += [batch.column(n).dictionary for n in ("template", "task") if n in batch.schema.names]
    if any(column.null_count for column in (*batch.columns, *inner)):
        raise ValueError("a value is null")
    if not np.array_equal(np.diff(to_numbers(ids.offsets)), np.diff(to_numbers(mask.offsets))):
        raise ValueError("a label_mask is not as long as its input_ids")


def row_lengths(batch: pa.RecordBatch) -> npt.NDArray[np.int32]:
    """int32[rows, 3]: prompt tokens, target tokens and all tokens of each row.

    The prompt ends before the first target token. Target tokens are those in the loss, which in a
    conversation with several answers are not all tokens after the prompt.
    """
    prompt = to_numbers(batch.column("target_start"))
    tokens = np.diff(row_offsets(batch))
    return np.stack((prompt, count_targets(batch), tokens), axis=1).astype(np.int32)


def row_offsets(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """int64[rows + 1]: where each row's tokens start in the flat values of `input_ids`."""
    return to_numbers(batch.column("input_ids").offsets).astype(np.int64)


def count_targets(batch: pa.RecordBatch) -> npt.NDArray[np.int32]:
    """int32[rows]: how many tokens of each row are in the loss."""
    mask = batch.column("label_mask")
    values = mask.values
    offsets = to_numbers(mask.offsets).astype(np.int64) + values.offset
    data = np.frombuffer(values.buffers()[1] or b"", np.uint8)
    # Count the ones up to each offset: by whole bytes, and the bits below it in its own byte.
    first = int(offsets[0]) // 8
    window = np.append(data[first : (int(offsets[-1]) + 7) // 8], np.uint8(0))
    before = np.concatenate(([0], np.cumsum(_ONES[window], dtype=np.int64)))
    byte, bit = offsets // 8 - first, offsets % 8
    below = (np.left_shift(1, bit) - 1).astype(np.uint8)
    return np.asarray(np.diff(before[byte] + _ONES[window[byte] & below]), np.int32)


_ONES = np.array([byte.bit_count() for byte in range(256)], np.uint8)  # by value of a byte
