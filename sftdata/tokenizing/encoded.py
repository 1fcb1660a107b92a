"""Ids of many texts in one array, with offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base import arrow as columns


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a column of text. Row i has `ids[offsets[i]:offsets[i + 1]]`."""

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[rows], in tokens."""
        return np.diff(self.offsets)

    def as_bytes(self) -> pa.LargeBinaryArray:
        """The rows as byte strings, four bytes an id, without a copy."""
        ids = np.ascontiguousarray(self.ids)
        offsets = np.ascontiguousarray(self.offsets * 4)
        return pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(ids)]
        )

    def take(self, rows: npt.NDArray[np.int64]) -> Encoded:
        """Row i of the result is row `rows[i]` of this."""
        offsets, data = columns.string_buffers(self.as_bytes().take(columns.numbers(rows)))
        return Encoded(data.view(np.int32), offsets // 4)

    @classmethod
    def concatenate(cls, parts: Sequence[Encoded]) -> Encoded:
        """The rows of all parts, one after another; none of no parts."""
        lengths = np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)])
        return cls(
            np.concatenate([np.empty(0, np.int32), *(part.ids for part in parts)]),
            np.concatenate(([0], np.cumsum(lengths))),
        )


def to_encoded(ids: Sequence[Sequence[int]]) -> Encoded:
    """Lists of ids, as the reference gives them."""
    rows = [np.array(row, np.int32) for row in ids]
    return Encoded(
        np.concatenate([np.empty(0, np.int32), *rows]),
        np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64))),
    )
