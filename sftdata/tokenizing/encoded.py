"""Token ids of many texts: one flat array, with offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base import arrow as columns


@dataclass(frozen=True, slots=True)
class EncodedTexts:
    """Token ids of a column of text. Row i has `ids[offsets[i]:offsets[i + 1]]`."""

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]  # [rows + 1], in tokens

    @classmethod
    def from_lists(cls, rows: Sequence[Sequence[int]]) -> EncodedTexts:
        """A list of ids for each row, as the reference gives them."""
        arrays = [np.array(row, np.int32) for row in rows]
        return cls(
            np.concatenate([np.empty(0, np.int32), *arrays]),
            np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64))),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[EncodedTexts]) -> EncodedTexts:
        """The rows of all parts, one after another; no rows when there are no parts."""
        lengths = np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)])
        return cls(
            np.concatenate([np.empty(0, np.int32), *(part.ids for part in parts)]),
            np.concatenate(([0], np.cumsum(lengths))),
        )

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[rows], in tokens."""
        return np.diff(self.offsets)

    def as_bytes(self) -> pa.LargeBinaryArray:
        """The rows as byte strings of four bytes an id; contiguous ids are not copied."""
        ids = np.ascontiguousarray(self.ids)
        offsets = np.ascontiguousarray(self.offsets * 4)
        return pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(ids)]
        )

    def take(self, rows: npt.NDArray[np.int64]) -> EncodedTexts:
        """Row i of the result is row `rows[i]` of this."""
        offsets, data = columns.string_buffers(self.as_bytes().take(columns.numbers(rows)))
        return EncodedTexts(data.view(np.int32), offsets // 4)
