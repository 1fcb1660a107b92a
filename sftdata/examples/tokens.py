"""Token batches: the ids, masks and target starts of many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flags, numbers, to_flags, to_numbers
from sftdata.tokenizing.encoded import EncodedTexts


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """The tokens of a batch of examples, flat. Row i has `input_ids[offsets[i]:offsets[i + 1]]`."""

    input_ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]
    label_mask: npt.NDArray[np.bool_]  # true where the token counts in the loss, unshifted
    target_start: npt.NDArray[np.int32]  # in tokens, from the row's start

    @classmethod
    def from_batch(cls, batch: pa.RecordBatch) -> TokenBatch:
        """The tokens of a record batch of a shard."""
        ids = batch.column("input_ids")
        offsets = to_numbers(ids.offsets)
        return cls(
            input_ids=to_numbers(ids.flatten()),
            offsets=offsets - offsets[0],
            label_mask=to_flags(batch.column("label_mask").flatten()),
            target_start=to_numbers(batch.column("target_start")),
        )

    def columns(self) -> dict[str, pa.Array]:
        """The token columns of a shard, in order."""
        offsets = numbers(self.offsets)
        return {
            "input_ids": pa.ListArray.from_arrays(offsets, numbers(self.input_ids)),
            "label_mask": pa.ListArray.from_arrays(offsets, flags(self.label_mask)),
            "target_start": numbers(self.target_start),
        }

    def take(self, rows: npt.NDArray[np.int64]) -> TokenBatch:
        """Row i of the result is row `rows[i]` of this."""
        ids = EncodedTexts(self.input_ids, self.offsets.astype(np.int64)).take(rows)
        offsets, data = pa.py_buffer(self.offsets), pa.py_buffer(self.label_mask)
        masks = pa.BinaryArray.from_buffers(
            pa.binary(), len(self.target_start), [None, offsets, data]
        )
        return TokenBatch(
            input_ids=ids.ids,
            offsets=ids.offsets.astype(np.int32),
            label_mask=np.frombuffer(masks.take(numbers(rows)).buffers()[2] or b"", np.bool_),
            target_start=self.target_start[rows],
        )

    @classmethod
    def concatenate(cls, batches: Sequence[TokenBatch]) -> TokenBatch:
        """The rows of all batches, one after another; no rows when there are no batches."""
        if len(batches) == 1:
            return batches[0]
        batches = [_NO_ROWS, *batches]
        lengths = np.concatenate([np.diff(batch.offsets) for batch in batches])
        return cls(
            input_ids=np.concatenate([batch.input_ids for batch in batches]),
            offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int32),
            label_mask=np.concatenate([batch.label_mask for batch in batches]),
            target_start=np.concatenate([batch.target_start for batch in batches]),
        )


_NO_ROWS = TokenBatch(
    input_ids=np.empty(0, np.int32),
    offsets=np.zeros(1, np.int32),
    label_mask=np.empty(0, np.bool_),
    target_start=np.empty(0, np.int32),
)


Ids: TypeAlias = EncodedTexts | tuple[int, ...]  # of each row, or the same in all rows


@dataclass(frozen=True, slots=True)
class EncodedSegment:
    """One segment of every example of a batch."""

    ids: Ids
    in_loss: bool


def join_segments(parts: Sequence[EncodedSegment], rows: int) -> TokenBatch:
    """The segments of each row one after another. At least one segment has ids of its own per row.

    Ids are joined as byte strings of four bytes an id, which Arrow does in native code.
    """
    joined = _join_ids([part.ids for part in parts])
    ids = np.frombuffer(joined.buffers()[2] or b"", np.int32)
    lengths = np.empty((rows, len(parts)), np.int64)
    for at, part in enumerate(parts):
        lengths[:, at] = part.ids.lengths if isinstance(part.ids, EncodedTexts) else len(part.ids)
    first = next(at for at, part in enumerate(parts) if part.in_loss)
    in_loss = np.tile(np.array([part.in_loss for part in parts]), rows)
    return TokenBatch(
        input_ids=ids,
        offsets=np.concatenate(([0], np.cumsum(lengths.sum(axis=1)))).astype(np.int32),
        label_mask=np.repeat(in_loss, lengths.ravel()),
        target_start=lengths[:, :first].sum(axis=1).astype(np.int32),
    )


def joined_equal(first: Ids, second: Ids, whole: EncodedTexts) -> npt.NDArray[np.bool_]:
    """For each row, whether the ids of `first` and then `second` are those of `whole`."""
    return to_flags(pc.equal(_join_ids([first, second]), whole.as_bytes()))


def _join_ids(columns: Sequence[Ids]) -> pa.LargeBinaryArray:
    """The ids of each row one after another, as byte strings."""
    joined = [c.as_bytes() if isinstance(c, EncodedTexts) else _scalar(c) for c in columns]
    return pc.binary_join_element_wise(*joined, _NOTHING)


def _scalar(ids: Sequence[int]) -> pa.Scalar:
    one = EncodedTexts(np.array(ids, np.int32), np.array([0, len(ids)]))
    return one.as_bytes()[0]


_NOTHING = EncodedTexts(np.empty(0, np.int32), np.array([0, 0])).as_bytes()[0]
