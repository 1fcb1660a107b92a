"""The columns on which rows of two datasets are compared: ids, lengths and hashes of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, to_flags, to_numbers
from sftdata.base.hashing import hash_token_rows
from sftdata.base.schema import row_lengths, row_offsets
from sftdata.loading.dataset import Dataset

ABSENT = -1


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Columns over the rows of all splits."""

    row_id: pa.ChunkedArray
    split: npt.NDArray[np.str_]
    template: pa.ChunkedArray
    lengths: npt.NDArray[np.int32]  # [rows, 3]: prompt, target, all tokens
    prompt_hash: npt.NDArray[np.uint64]  # of the tokens outside the loss
    target_hash: npt.NDArray[np.uint64]  # of those in it
    mask_hash: npt.NDArray[np.uint64]
    ids_hash: npt.NDArray[np.uint64]

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return int(self.lengths[:, 2].sum(dtype=np.int64))

    @property
    def target_tokens(self) -> int:
        """Tokens in the loss of all rows."""
        return int(self.lengths[:, 1].sum(dtype=np.int64))

    def take(self, rows: npt.NDArray[np.int64]) -> RowColumns:
        """The rows at these places."""
        places = numbers(rows)
        return RowColumns(
            self.row_id.take(places),
            self.split[rows],
            self.template.take(places),
            self.lengths[rows],
            self.prompt_hash[rows],
            self.target_hash[rows],
            self.mask_hash[rows],
            self.ids_hash[rows],
        )


def read_columns(data: Dataset) -> RowColumns:
    """The columns of a dataset, in the order of its splits."""
    ids, templates, splits, lengths, hashes = [], [], [], [], []
    for name, split in data.items():
        for batch in split.to_arrow().to_batches():
            ids.append(batch.column("row_id").cast(pa.large_string()))
            templates.append(batch.column("template").cast(pa.string()))
            splits.append(np.repeat(np.array([name]), batch.num_rows))
            lengths.append(row_lengths(batch))
            hashes.append(_hash_rows(batch))
    return RowColumns(
        pa.chunked_array(ids, pa.large_string()),
        np.concatenate([np.empty(0, np.str_), *splits]),
        pa.chunked_array(templates, pa.string()),
        np.concatenate([np.empty((0, 3), np.int32), *lengths]),
        *np.concatenate([np.empty((0, 4), np.uint64), *hashes]).T,
    )


def _hash_rows(batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
    """uint64[rows, 4]: hashes of the tokens outside the loss, in it, the mask, and all tokens."""
    offsets = row_offsets(batch)
    offsets -= offsets[0]
    tokens = to_numbers(batch.column("input_ids").flatten())
    mask = to_flags(batch.column("label_mask").flatten())
    in_loss = np.concatenate(([0], np.cumsum(mask)))[offsets]  # tokens up to each offset
    parts = (
        (tokens[~mask], offsets - in_loss),
        (tokens[mask], in_loss),
        (mask.astype(np.int32), offsets),
        (tokens, offsets),
    )
    return np.stack([hash_token_rows(values, at[:-1], at[1:]) for values, at in parts], axis=1)


def find_places(among: pa.ChunkedArray, ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """For each id its first place in `among`, or `ABSENT`."""
    if not len(among) or not len(ids):
        return np.full(len(ids), ABSENT, np.int64)
    found = pc.fill_null(pc.index_in(ids, among.combine_chunks()), numbers(np.array([ABSENT]))[0])
    return np.asarray(to_numbers(found.combine_chunks()).astype(np.int64))


def compare_columns(
    a: RowColumns, b: RowColumns, *, same_tokenizer: bool
) -> dict[str, npt.NDArray[np.bool_]]:
    """For each kind of change the rows that have it; row i of `a` and of `b` is the same row.

    Ids of two tokenizers mean different tokens, so then every prompt and target counts as changed.
    """
    prompt = (a.prompt_hash != b.prompt_hash) | (not same_tokenizer)
    target = (a.target_hash != b.target_hash) | (not same_tokenizer)
    same_ids = (a.ids_hash == b.ids_hash) & same_tokenizer
    return {
        "prompt": prompt & ~same_ids,
        "target": target & ~same_ids,
        "mask": same_ids & (a.mask_hash != b.mask_hash),
        "split": a.split != b.split,
        "template": to_flags(pc.not_equal(a.template, b.template).combine_chunks()),
    }
